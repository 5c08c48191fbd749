"""Makes the soundtracks of the sandbox's videos: its own melodies, as Opus.

The sandbox has no encoder of sound, so they are kept in the package. Run it again where the melodies are changed:

    python tools/soundtracks.py

It needs the program ffmpeg with libopus.
"""

from __future__ import annotations

import subprocess

from rivya_nb.sandbox.drawing import MARK
from rivya_nb.sandbox.sizes import LONGEST
from rivya_nb.sandbox.soundtracks import COUNT, FOLDER
from rivya_nb.sandbox.tones import melody

COMMAND = "ffmpeg -v error -y -f wav -i - -map_metadata -1 -c:a libopus -b:a 20k -fflags +bitexact -f ogg"


def main() -> None:
    for number in range(COUNT):
        sound = melody(seed=str(number), seconds=LONGEST, comment=MARK, rate=48_000)
        target = FOLDER / f"{number}.ogg"
        subprocess.run([*COMMAND.split(), str(target)], input=sound, check=True)
        print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
