"""``python -m minerisk`` is the command ``minerisk``."""

from minerisk.pipelines.cli.main import main

if __name__ == "__main__":
    main()
