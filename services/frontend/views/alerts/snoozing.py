"""Acknowledging and snoozing an alert: who did and why, the dialog that asks for that, and the end of it.

The dialog is drawn by the whole page, not by the part that is drawn anew every few seconds: it would be closed then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import streamlit as st

from services.frontend.clients import cache
from services.frontend.clients.alertmanager import AlertmanagerClient
from services.frontend.clients.silences import (
    ACKNOWLEDGED_FOR,
    NAME_CHARACTERS,
    REASON_CHARACTERS,
    SNOOZES,
    NewSilence,
    Silence,
)
from services.frontend.errors import ServiceError
from services.frontend.formatting import clipped, code, plain, when
from services.frontend.views import visitor
from services.frontend.views.alerts.alert_list import AlertNotice
from services.frontend.views.sections import explained

_ASKED, _PRESSED, _SAID = "alert-to-silence", "alert-button-pressed", "alert-silenced"
_CLIPPED, _LISTED = 300, 25
_LABELS = {"1h": "1 hour", "1d": "1 day", "open": "Until I say"}
_QUIET = "even if it ends and comes back. Anyone can end that."
_HELP = {
    True: f"Say that you look after it. It sends no messages for a day, {_QUIET}",
    False: f"It sends no messages for a while, {_QUIET}",
}


def buttons(notice: AlertNotice) -> None:
    """To acknowledge the alert, and to snooze it."""
    kinds = ((True, "Acknowledge", "how_to_reg"), (False, "Snooze", "notifications_paused"))
    for acknowledge, label, icon in kinds[notice.state == "acknowledged" :]:
        st.button(label, key=f"{icon}-{notice.key}", icon=f":material/{icon}:", type="tertiary",
                  help=_HELP[acknowledge], on_click=_ask, args=(notice, acknowledge))  # fmt: skip


def show_silences(silences: Sequence[Silence], alertmanager: AlertmanagerClient, of: str) -> None:
    """Who keeps an alert silent, why, until when, and a button that ends it. `of` is the alert's key: one silence may
    hold for several."""
    for silence in silences[:_LISTED]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"silence-{of}-{silence.id}"):
            st.markdown(_said(silence), width="content")
            label = "End acknowledgement" if silence.acknowledged else "End snooze"
            if st.button(label, key=f"end-{of}-{silence.id}", icon=":material/notifications_active:", type="tertiary"):
                _end(silence, alertmanager)


def show_idle(silences: Sequence[Silence], alertmanager: AlertmanagerClient) -> None:
    """Silences of what does not fire now, which would keep it silent when it comes back."""
    if silences:
        count = "1 snooze" if len(silences) == 1 else f"{len(silences)} snoozes"
        with st.expander(f"{count} of what does not fire now"):
            for silence in silences[:_LISTED]:
                st.caption(" ".join(_chip(matcher) for matcher in silence.matchers if matcher.value))
                show_silences([silence], alertmanager, "idle")
            if len(silences) > _LISTED:
                st.caption(f"The first {_LISTED}; Alertmanager's own page has them all.")


def open_at_once() -> None:
    """For the part that redraws itself: the dialog that one of its buttons asks for is drawn by the whole page."""
    if st.session_state.pop(_PRESSED, False):
        st.rerun()


def show_dialog(alertmanager: AlertmanagerClient) -> None:
    """The dialog, while there is one; and after it, what was done."""
    st.session_state.pop(_PRESSED, None)
    if said := st.session_state.pop(_SAID, None):
        st.toast(said, icon=":material/check:")
    wanted = st.session_state.get(_ASKED)
    if wanted:
        notice, acknowledge = wanted
        dialog = st.dialog("Acknowledge" if acknowledge else "Snooze", on_dismiss=_close)(_dialog)
        dialog(alertmanager, notice, acknowledge)


def _ask(notice: AlertNotice, acknowledge: bool) -> None:
    st.session_state[_ASKED], st.session_state[_PRESSED] = (notice, acknowledge), True


def _close() -> None:
    st.session_state.pop(_ASKED, None)


def _dialog(alertmanager: AlertmanagerClient, notice: AlertNotice, acknowledge: bool) -> None:
    st.markdown(f"**{plain(notice.name)}** {plain(notice.summary)}")
    st.caption(_HELP[acknowledge])
    kept = " ".join(_chip(f"{n}={v}") for n, v in sorted(notice.labels.items()) if n != "alertname")
    st.caption(f"Only this alert is silent: {kept}" if kept else "Only this alert is silent.")
    with st.form(f"silence-{notice.key}", border=False):
        lasts = ACKNOWLEDGED_FOR if acknowledge else _chosen_time()
        by = st.text_input("Your name", visitor.name(), autocomplete="name")
        reason = st.text_area("Why", height=80, placeholder="What is being done about it")
        label = "Acknowledge" if acknowledge else "Snooze"
        if not st.form_submit_button(label, type="primary"):
            return
    by, reason = " ".join(by.split()), " ".join(reason.split())
    if fault := _fault(by, reason):
        st.warning(fault, icon=":material/edit:")
        return
    visitor.remember_name(by)
    with _told():
        prevented = _prevented(alertmanager, notice)
        if prevented:
            st.warning(prevented, icon=":material/sync_problem:")
        else:
            _silence(alertmanager, notice, NewSilence(by, reason, lasts, acknowledge))


def _fault(by: str, reason: str) -> str | None:
    """What is wrong with what was written. A limit of the field itself would drop a long text without a word."""
    if not by or not reason:
        return "Say who you are, and why: others read it here."
    if len(by) > NAME_CHARACTERS or len(reason) > REASON_CHARACTERS:
        return (
            f"Shorter, please: at most {NAME_CHARACTERS} characters for the name, {REASON_CHARACTERS} for the reason."
        )
    return None


def _chosen_time() -> timedelta:
    chosen = st.segmented_control("For how long", list(SNOOZES), default="1h", format_func=_LABELS.get, required=True)
    return SNOOZES[chosen or "1h"]


def _prevented(alertmanager: AlertmanagerClient, notice: AlertNotice) -> str | None:
    """What happened since the dialog was opened: the alert has ended, or somebody else was faster."""
    cache.forget()
    known = {silence.id for silence in notice.silences}
    for silence in alertmanager.silences():
        if silence.alert == notice.label_set and silence.id not in known:
            return f"Meanwhile {_said(silence)}. Close this to see it."
    held = {frozenset(alert.labels.items()) for alert in alertmanager.alerts()}
    if notice.source == "Alertmanager" and notice.label_set not in held:
        return "This alert has ended meanwhile. Nothing was changed."
    return None


def _silence(alertmanager: AlertmanagerClient, notice: AlertNotice, silence: NewSilence) -> None:
    """It takes the place of what was said of exactly this alert before."""
    alertmanager.silence(notice.labels, silence, visitor.own_key())
    for earlier in notice.silences:
        if earlier.alert == notice.label_set:
            alertmanager.end(earlier.id, visitor.own_key())
    _done("Acknowledged." if silence.acknowledged else "Snoozed.")


def _end(silence: Silence, alertmanager: AlertmanagerClient) -> None:
    with _told():
        alertmanager.end(silence.id, visitor.own_key())
        _done("It sends messages again.")


@contextmanager
def _told() -> Iterator[None]:
    """Say why a change could not be made."""
    try:
        yield
    except ServiceError as error:
        st.error(f"That did not work. {explained(error)}", icon=":material/error:")


def _done(said: str) -> None:
    """The whole page is drawn anew, and then says it: a run that draws may give way to the next one that waits."""
    _close()
    cache.forget()
    st.session_state[_SAID] = said
    st.rerun()


def _chip(said: object) -> str:
    return code(clipped(str(said), 80))


def _said(silence: Silence) -> str:
    """Who silenced an alert, why, and until when, as Markdown."""
    until = silence.until(datetime.now(UTC))
    ends = f"until {when(until, visitor.zone())}" if until else "until somebody ends it"
    verb = "acknowledged" if silence.acknowledged else "snoozed"
    why = f': "{clipped(silence.reason, _CLIPPED)}"' if silence.reason else ", without a reason"
    said = plain(f"{clipped(silence.by, NAME_CHARACTERS) or 'Somebody'} {verb} it {ends}{why}")
    if silence.alert:
        return said
    return f"{said} (with all that matches {' '.join(_chip(m) for m in silence.matchers)})"
