"""The master keys of all tests, and the variables that name them to a process."""

from keys.keyring import Keyring
from payloads.plugin import PayloadsPlugin

KEYRING = Keyring((("tests", b"only for tests, and known to all"),))
PLUGIN = PayloadsPlugin(KEYRING)
VARIABLES = {"WHYDESK_MASTER_KEYS": "env:MASTER_KEYS_OF_TESTS", "MASTER_KEYS_OF_TESTS": KEYRING.text()}
