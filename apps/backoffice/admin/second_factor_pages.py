"""The pages that list, add and remove the second factors of one's own account."""

from typing import Any

import orjson
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.authentication.dependencies import session_authentication
from apps.backoffice.admin.authentication_forms import CodeForm, NewPasskeyForm
from apps.backoffice.admin.navigation import next_page
from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.one_time_forms import SHOWN, one_time_key, redirect_to_shown_once, shown_key
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.authentication_methods import HARDWARE_KEY, ONE_TIME_CODE, SOFTWARE_KEY
from apps.core.crypto.encryption import decrypt, encrypt
from apps.core.errors import Conflict, NotFound, TooManyRequests, ValidationFailed, WrongCode
from apps.core.event_loop import call_service
from apps.idempotency.dependencies import one_time_forms
from apps.second_factors.dependencies import factor_recovery, passkey_enrolment, second_factors, totp_enrolment
from apps.second_factors.schemas.totp_device import TotpSecret

NOT_FOUND = "This second factor does not exist or was removed."
SEALED_KEY = "sealed_key"
ENROLMENT_EXPIRED = "The time to confirm the app has expired. Start again."


def second_factors_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List second factors (GET); remove one, or generate new recovery codes (POST). Raises StepUpRequired."""
    actor = acting_staff(request)
    if request.method == "POST":
        try:
            return _change(request)
        except NotFound:
            messages.warning(request, NOT_FOUND)
            return HttpResponseRedirect(reverse("admin:second_factors"))
    summary = call_service(second_factors().list_own, actor)
    context = {
        "title": "Your second factors",
        "factors": summary,
        "is_needed": actor.lacks_second_factor,
        "following": next_page(request) if REDIRECT_FIELD_NAME in request.GET else "",  # at the first sign-in
    }
    return _page(site, request, "second_factors.html", context)


def new_totp_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Create a secret (POST), show it (GET), and confirm it by a code (POST with `code`). Raises StepUpRequired."""
    if request.method != "POST":
        return _shown_totp(site, request)
    if "code" not in request.POST:
        call_service(totp_enrolment().begin, acting_staff(request), one_time_key(request))
        return redirect_to_shown_once(request, reverse("admin:new_totp"))
    form = CodeForm(request.POST)
    codes = _confirmed(request, form) if form.is_valid() else None
    if codes is None:
        return form.response(_totp(site, request, form, _secret_on_page(request, form)))
    return _enrolled(request, ONE_TIME_CODE, has_codes=bool(codes))


def new_passkey_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask the browser for a new passkey (GET), and store it (POST). Raises StepUpRequired."""
    actor = acting_staff(request)
    form = NewPasskeyForm(request.POST) if request.method == "POST" else None
    if form and form.is_valid():
        try:
            added = call_service(passkey_enrolment().add, actor, form.payload, one_time_key(request))
        except (Conflict, ValidationFailed) as refusal:
            form.refuse(refusal)
        else:
            kind = SOFTWARE_KEY if added.passkey.is_backup_eligible else HARDWARE_KEY
            return _enrolled(request, kind, has_codes=bool(added.recovery_codes))
    options = call_service(passkey_enrolment().options, actor)
    name = form["name"].value() if form else NewPasskeyForm.base_fields["name"].initial
    context = {
        "title": "Add a passkey",
        "form": form,
        "passkey_form": NewPasskeyForm(initial={"challenge": options.challenge, "name": name}),
        "passkey_options": orjson.dumps(options.options).decode(),
    }
    return _page(site, request, "new_passkey.html", context)


def recovery_codes_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the recovery codes that the browser has just got, once."""
    content = call_service(one_time_forms().take, acting_staff(request), shown_key(request))
    codes = orjson.loads(content)["recovery_codes"] if content else None
    return _page(site, request, "recovery_codes.html", {"title": "Your recovery codes", "codes": codes})


def _shown_totp(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if SHOWN not in request.GET:
        return HttpResponseRedirect(reverse("admin:second_factors"))
    content = call_service(one_time_forms().take, acting_staff(request), shown_key(request))
    return _totp(site, request, CodeForm(), TotpSecret.model_validate_json(content) if content else None)


def _change(request: HttpRequest) -> HttpResponse:
    actor, action = acting_staff(request), request.POST.get("action")
    if action == "renew_recovery_codes":
        call_service(factor_recovery().renew_recovery_codes, actor, one_time_key(request))
        return redirect_to_shown_once(request, reverse("admin:recovery_codes"))
    if action == "remove_totp":
        call_service(totp_enrolment().remove, actor)
    else:
        call_service(passkey_enrolment().remove, actor, parse_row_id(request.POST.get("passkey", "")))
    messages.success(request, "The second factor has been removed.")
    return HttpResponseRedirect(reverse("admin:second_factors"))


def _confirmed(request: HttpRequest, form: CodeForm) -> list[str] | None:
    """Confirm the app, and return the recovery codes of a first factor; None if the code was refused."""
    try:
        code, key = form.payload.code, one_time_key(request)
        return call_service(totp_enrolment().confirm, acting_staff(request), code, key).recovery_codes
    except NotFound:
        form.add_error(None, ENROLMENT_EXPIRED)
    except (WrongCode, TooManyRequests) as refusal:
        form.refuse(refusal)
    return None


def _secret_on_page(request: HttpRequest, form: CodeForm) -> TotpSecret | None:
    """Return the secret that the page of a refused code has shown: the app that has scanned it is still good.

    The page itself carries it, encrypted for this browser's session, so that no other session can read it.
    """
    if ENROLMENT_EXPIRED in form.non_field_errors():
        return None
    secret = decrypt(request.POST.get(SEALED_KEY, "").encode(), _purpose(request))
    return TotpSecret.model_validate_json(secret) if secret else None


def _purpose(request: HttpRequest) -> str:
    return f"new TOTP secret of session {acting_staff(request).session_id}"


def _enrolled(request: HttpRequest, method: str, *, has_codes: bool) -> HttpResponse:
    """Record that the session was authenticated by the new factor, change its key, and show the recovery codes."""
    call_service(session_authentication().record, acting_staff(request), (method,))
    request.session.cycle_key()
    messages.success(request, "The second factor has been added.")
    if has_codes:
        return redirect_to_shown_once(request, reverse("admin:recovery_codes"))
    return HttpResponseRedirect(reverse("admin:second_factors"))


def _totp(site: AdminSite, request: HttpRequest, form: CodeForm, secret: TotpSecret | None = None) -> HttpResponse:
    context = {
        "title": "Add an authenticator app",
        "code_form": form,
        "form": form,
        "secret": secret,
        SEALED_KEY: encrypt(secret.model_dump_json().encode(), _purpose(request)).decode() if secret else "",
    }
    return _page(site, request, "new_totp.html", context)


def _page(site: AdminSite, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = site.name
    # Some pages contain a secret that is shown only once.
    return TemplateResponse(
        request,
        f"admin/backoffice/{template}",
        {**site.each_context(request), **context},
        headers={"Cache-Control": "no-store"},
    )
