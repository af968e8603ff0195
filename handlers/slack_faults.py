"""A call to Slack that failed, in words for an operator: why, what to do, and whether waiting may help."""

from __future__ import annotations

import ssl

from aiohttp import ClientConnectorCertificateError, ClientConnectorError, ClientError
from slack_sdk.errors import SlackApiError

from bot.delivery.retry import LIMITED, UNKNOWN
from bot.errors import ConfigError, Mistake, SlackAway

UNREACHABLE = (SlackApiError, ClientError, TimeoutError, OSError)


def reason(failure: BaseException) -> str:
    """Why a call failed, in a few words: Slack's error code, or what the network said."""
    if isinstance(failure, SlackApiError):
        response = failure.response
        return str(response.get("error")) if hasattr(response, "get") else "an answer that is not JSON"
    if isinstance(failure, ClientConnectorCertificateError):
        return "the certificate is not trusted on this machine"
    if isinstance(failure, ClientConnectorError):
        return f"{failure.host} cannot be reached: {failure.strerror or type(failure.os_error).__name__}"
    if isinstance(failure, TimeoutError):
        return "no answer in time"
    return str(failure) or type(failure).__name__


def remedy(failure: BaseException, token: str) -> str:
    """What to do about it: the network's troubles are not the token's."""
    if isinstance(failure, ClientConnectorCertificateError | ssl.SSLError):
        return "set SSL_CERT_FILE to the certificates of your network's proxy, and compare the clock"
    if passing(failure):
        return "check the network, HTTPS_PROXY and SLACK_API_URL"
    if reason(failure) == "missing_scope":
        return "update the app's manifest and reinstall it"
    return f"copy {token} again from the app's settings (docs/operating.md)"


def passing(failure: BaseException) -> bool:
    """Whether it may be well again without anybody changing a setting."""
    if not isinstance(failure, SlackApiError):
        return True
    return not hasattr(failure.response, "get") or reason(failure) in LIMITED | UNKNOWN


def at_start(failure: BaseException, token: str) -> ConfigError | SlackAway:
    """What ends a start: a token that Slack refuses is a wrong setting, a Slack that is away is not."""
    if passing(failure):
        return SlackAway(f"Slack cannot be used: {reason(failure)}; {remedy(failure, token)}")
    return ConfigError([Mistake(token, f"Slack refuses it ({reason(failure)})", remedy(failure, token))])
