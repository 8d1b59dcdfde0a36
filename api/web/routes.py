"""The pages: a module each, with its routes."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.routing import Route

from api.web import (
    account,
    account_push,
    alert_forms,
    alert_page,
    alert_stream,
    alerts,
    annotation_forms,
    attest,
    complaint_form,
    complaints,
    device_page,
    facility_page,
    issued,
    maintenance_forms,
    overview,
    phone,
    preferences,
    public,
    public_status,
    report_issue,
    report_months,
    reports,
    scorecard,
    sign_in,
    static_files,
    village_page,
    welcome,
)
from api.web.setup import (
    gateways,
    health,
    index,
    note,
    people,
    qr,
    quarantine,
    rule_forms,
    rules,
    site_device,
    site_facility,
    site_lists,
    site_village,
    sites,
    tokens,
    unknown,
)

__all__ = ["PAGES", "page_paths"]

PAGES: Sequence[APIRouter] = (
    public.router,
    public_status.router,
    issued.router,
    alerts.router,
    alert_stream.router,  # before `/alerts/{alert}`, whose pattern its path fits too
    alert_page.router,
    alert_forms.router,
    report_months.router,
    reports.router,  # before `/reports/{report}`, whose pattern its paths fit too
    report_issue.router,
    overview.router,
    village_page.router,
    facility_page.router,
    device_page.router,
    maintenance_forms.router,
    annotation_forms.router,
    preferences.router,
    sign_in.router,
    welcome.router,
    account.router,
    account_push.router,
    index.router,
    sites.router,
    site_lists.router,  # before `/setup/sites/{code}`, whose pattern their paths fit too
    site_village.router,
    site_facility.router,
    site_device.router,
    people.router,
    tokens.router,
    rules.router,
    rule_forms.router,
    quarantine.router,
    gateways.router,
    health.router,
    qr.router,
    unknown.router,
    note.router,
    attest.router,
    complaint_form.router,
    complaints.router,
    scorecard.router,
    phone.router,
    static_files.router,
)
"""The routes of all pages."""


def page_paths() -> frozenset[str]:
    """Returns the addresses of all pages."""
    return frozenset(route.path for router in PAGES for route in router.routes if isinstance(route, Route))
