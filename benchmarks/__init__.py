"""What is timed, and the script that makes the committed gallery; never part of the tests' verdict."""
