"""Amazon Bedrock's Converse, through boto3."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from analysis.llm.deadline import within
from analysis.llm.provider import LLMRequest, Reply, RequestRefused
from analysis.llm.providers.form import form_in_words
from analysis.llm.providers.remote import TOOL_DESCRIPTION, TOOL_NAME, chat_turns, error_for_status
from analysis.llm.validation import plain
from pipeline.config.areas.llm import BedrockSettings
from pipeline.errors import EarshotError, InvalidReply, ServiceUnavailable, StageTimeout, described
from pipeline.outside import know_credentials, limit_boto3, refusal

_FINISH = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "refused",
    "content_filtered": "refused",
}
_CONNECT_TIMEOUT_S = 10


class Bedrock:
    """One request per call; structured output by a forced tool, by `outputConfig`, or by words. No probabilities."""

    name = "bedrock"
    remote = True
    scores = False
    batch_size = 1

    def __init__(self, settings: BedrockSettings, attempt_time_limit_s: float) -> None:
        self._settings = settings
        self._attempt_time_limit_s = attempt_time_limit_s
        self.model = settings.model or ""
        self.concurrency = settings.concurrency
        self._lock = threading.Lock()
        self._client: Any = None

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        """See `LLMProvider.generate`."""
        client = self._connect()
        return [
            within(lambda request=request: self._ask(client, request), time_limit_s, "bedrock")  # type: ignore[misc]
            for request in requests
        ]

    def close(self) -> None:
        """Close the connections; idempotent."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _connect(self) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        with self._lock:
            if self._client is None:
                config = Config(
                    connect_timeout=min(_CONNECT_TIMEOUT_S, self._attempt_time_limit_s),
                    read_timeout=self._attempt_time_limit_s,
                    retries={"total_max_attempts": 1, "mode": "standard"},  # the router retries
                    max_pool_connections=self.concurrency,
                )
                try:
                    session = boto3.session.Session()
                    know_credentials(session)
                    self._client = session.client(
                        "bedrock-runtime",
                        region_name=self._settings.region,
                        endpoint_url=self._settings.endpoint_url,
                        config=config,
                    )
                    limit_boto3(self._client)
                except BotoCoreError as error:
                    raise RequestRefused(f"bedrock: {error}; set llm.bedrock.region or AWS_REGION") from error
            return self._client

    def _ask(self, client: Any, request: LLMRequest) -> Reply:
        from botocore import exceptions

        try:
            raw = client.converse(**self._parameters(request))
        except exceptions.ClientError as error:
            raise _from_service(error.response) from error
        except (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError) as error:
            raise StageTimeout(f"bedrock: {error}") from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise RequestRefused(f"bedrock: {error}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from error
        except exceptions.ParamValidationError as error:
            raise InvalidReply(f"bedrock: boto3 refused the request before sending it: {described(error)}") from error
        except exceptions.HTTPClientError as error:
            raise ServiceUnavailable(f"bedrock: no connection: {error}") from error
        except (exceptions.BotoCoreError, ValueError) as error:
            raise InvalidReply(f"bedrock: the answer cannot be read: {described(error)}") from error
        return _read(request, raw)

    def _parameters(self, request: LLMRequest) -> dict[str, Any]:
        mode = self._settings.structured
        turns = [{"role": turn["role"], "content": [{"text": turn["content"]}]} for turn in chat_turns(request)]
        parameters: dict[str, Any] = {
            "modelId": self.model,
            "system": [{"text": form_in_words(request) if mode == "prompt" else request.system}],
            "messages": turns,
            "inferenceConfig": {"maxTokens": request.max_tokens, "temperature": min(request.temperature, 1.0)},
        }
        schema = plain(request.schema)
        if mode == "tool":
            spec = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "inputSchema": {"json": schema}}
            parameters["toolConfig"] = {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": TOOL_NAME}}}
        elif mode == "json_schema":
            structure = {"jsonSchema": {"schema": json.dumps(schema), "name": request.purpose}}
            parameters["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
        return parameters


def _from_service(response: dict[str, Any]) -> EarshotError:
    """The error of our tree for one of the service's."""
    fault, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    code = str(fault.get("Code", ""))
    status = int(metadata.get("HTTPStatusCode", 500))
    message = str(fault.get("Message", ""))
    if code in {"ModelErrorException", "ModelTimeoutException"}:
        return ServiceUnavailable(refusal("bedrock", status, fault, message))
    if code in {"ThrottlingException", "ModelNotReadyException"}:
        status = 429
    return error_for_status("bedrock", status, fault, metadata.get("HTTPHeaders") or {}, message)


def _read(request: LLMRequest, raw: dict[str, Any]) -> Reply:
    """boto3 leaves out what the body does not hold, so nothing here may be taken for granted."""
    blocks = ((raw.get("output") or {}).get("message") or {}).get("content")
    if not isinstance(blocks, list):
        raise InvalidReply("bedrock: the answer holds no message")
    tools = [block["toolUse"] for block in blocks if "toolUse" in block]
    if tools:
        text = json.dumps(plain(tools[0].get("input")), ensure_ascii=False)
    else:
        text = "".join(str(block.get("text", "")) for block in blocks)
    usage = raw.get("usage") or {}
    tokens_in = usage.get("inputTokens")
    if tokens_in is not None:
        tokens_in += usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
    return Reply(
        key=request.key,
        text=text,
        tokens_in=tokens_in,
        tokens_out=usage.get("outputTokens"),
        finish=_FINISH.get(str(raw.get("stopReason")), "stop"),
    )
