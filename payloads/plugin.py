"""The one Temporal plugin of every process: pydantic models, encrypted, and failures that tell the server nothing."""

import dataclasses
from collections.abc import Awaitable, Callable

from temporalio.client import ClientConfig
from temporalio.common import HeaderCodecBehavior
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.plugin import SimplePlugin
from temporalio.service import ConnectConfig, GrpcCompression, ServiceClient
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

    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[ServiceClient]]
    ) -> ServiceClient:
        """Compress nothing: what is sealed does not get smaller, and trying takes processor time on both sides."""
        config.grpc_compression = GrpcCompression.NONE
        return await super().connect_service_client(config, next)

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
