"""``python -m technobelt``."""

from technobelt.cli import main

if __name__ == "__main__":
    main()
