"""``python -m iic_ptv`` is the same as ``iic``."""

from iic_ptv.cli.main import main

if __name__ == "__main__":
    main()
