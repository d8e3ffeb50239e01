"""aioboto3."""

import asyncio
import io

import aioboto3
from botocore.exceptions import ClientError
from common import BODY, BUCKET, PREFIX, main


async def put_and_get() -> None:
    session = aioboto3.Session()
    async with session.client("s3") as s3:
        await s3.upload_fileobj(io.BytesIO(BODY), BUCKET, f"{PREFIX}/a")
        answer = await s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/a")
        assert await answer["Body"].read() == BODY
        await asyncio.gather(*(s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/b{i}", Body=b"x") for i in range(20)))
        listed = await s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/b")
        assert listed["KeyCount"] == 20
    async with session.client("sts") as sts:
        assert (await sts.get_caller_identity())["Account"] == "123456789012"


async def get_nothing() -> str:
    async with aioboto3.Session().client("s3") as s3:
        try:
            await s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/none")
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
    return ""


main(lambda: asyncio.run(put_and_get()), lambda: asyncio.run(get_nothing()))
