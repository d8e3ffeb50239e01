"""What attackers, browsers and mere accidents send to the emulator; the state directory lies among decoys."""
