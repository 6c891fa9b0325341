"""What this program is made of, looked at from outside.

docs/supply-chain.md tells of the commands. Nothing of it is served or installed with
the program. What could not be looked up is reported as such and never counts as good.
"""
