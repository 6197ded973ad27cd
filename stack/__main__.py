"""`python -m stack`, from any folder: run the stack in the foreground until Ctrl-C."""

import sys

try:
    from stack.run import main
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}. `make setup` in the clone installs what the stack needs; then `make run` starts it.")

if __name__ == "__main__":
    main()
