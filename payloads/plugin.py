"""The one Temporal plugin of every process: pydantic models, encrypted, and failures that tell the server nothing."""

import dataclasses

from temporalio.client import ClientConfig
from temporalio.common import HeaderCodecBehavior
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.plugin import SimplePlugin
from temporalio.worker import ReplayerConfig

from keys.keyring import Keyring
from payloads.codec import KeyringCodec


class PayloadsPlugin(SimplePlugin):
    """Given to `Client.connect` and `Replayer` as `plugins=[…]`; a worker takes it from its client."""

    def __init__(self, keyring: Keyring) -> None:
        """Encrypt with the first of the master keys, decrypt with all."""
        self.converter = dataclasses.replace(
            pydantic_data_converter,
            payload_codec=KeyringCodec(keyring),
            # A failure's message and stack stand in clear otherwise, and an error may quote what it failed on.
            failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
        )
        super().__init__("whydesk.payloads", data_converter=self.converter)

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        """Encrypt headers as well."""
        config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return super().configure_client(config)

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        """Read as a worker does; a failure goes to whoever replays and to no server, so that it may say what it is."""
        config = super().configure_replayer(config)
        config["data_converter"] = readable_failures(self.converter)
        config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return config


def readable_failures(converter: DataConverter) -> DataConverter:
    """Return the converter with failures in clear, for what stays in this process; it reads sealed ones all the same."""
    return dataclasses.replace(converter, failure_converter_class=DefaultFailureConverter)
