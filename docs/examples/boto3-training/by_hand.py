"""An embedded AWS for the length of a block."""

from flytekitplugins_smfs.emulator import Emulator

with Emulator() as emulator:
    s3 = emulator.session().client("s3")
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="greeting", Body=b"hello")
    print(s3.get_object(Bucket="mine", Key="greeting")["Body"].read().decode())
