"""Who is told of alerts, from the environment and `.env`.

Every value is taken as text here: one that is wrong leaves its own channel out (alert_channels.py), and stops nothing.
"""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class AlertSettings(BaseSettings):
    """Read from `PILOTHOUSE_ALERT_*`. An empty value is one that is not set, and so is an empty file."""

    model_config = SettingsConfigDict(
        env_prefix="PILOTHOUSE_ALERT_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    email_to: str | None = Field(default=None, description="who gets alerts by e-mail; several with commas between")
    email_from: str | None = Field(default=None, description="the sender; else the user, else the first who gets them")
    smtp: str | None = Field(default=None, description="the mail server, as mail.example.com:587")
    smtp_user: str | None = Field(default=None, description="who logs in there; without it, nobody")
    smtp_password: SecretStr | None = Field(default=None, description="the password")
    smtp_password_file: str | None = Field(default=None, description="a file that holds it")
    smtp_tls: str = Field(default="true", description="false sends without encryption where the server has none")
    slack_url: SecretStr | None = Field(default=None, description="an incoming webhook of Slack")
    slack_url_file: str | None = Field(default=None, description="a file that holds it")
    pagerduty_key: SecretStr | None = Field(default=None, description="an integration key of PagerDuty (Events API v2)")
    pagerduty_key_file: str | None = Field(default=None, description="a file that holds it")
    pagerduty_url: str = Field(
        default="https://events.pagerduty.com/v2/enqueue", description="PagerDuty's address; Europe has another"
    )
    teams_url: SecretStr | None = Field(default=None, description="a webhook of a workflow of Microsoft Teams")
    teams_url_file: str | None = Field(default=None, description="a file that holds it")
    webhook_url: SecretStr | None = Field(default=None, description="an address that Alertmanager's JSON is posted to")
    webhook_url_file: str | None = Field(default=None, description="a file that holds it")
