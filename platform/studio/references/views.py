"""Pages of the reference banks: which there are, and what they hold."""

from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Max
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studio.pages import signed_in, visible_or_404
from studio.references.models import Bank, Work

WORKS_PER_PAGE = 100


@signed_in
@require_safe
def bank_list(request: HttpRequest) -> HttpResponseBase:
    banks = Bank.objects.visible_to(request.user).select_related("studio").order_by("name", "pk")
    counted = banks.annotate(work_count=Count("works"), newest_at=Max("works__created_at"))
    return render(request, "references/banks.html", {"banks": counted})


@signed_in
@require_safe
def bank_page(request: HttpRequest, bank_id: UUID) -> HttpResponseBase:
    bank = visible_or_404(Bank.objects.select_related("studio"), request.user, bank_id)
    works = Work.objects.filter(bank=bank).annotate(match_count=Count("matches")).order_by("title", "pk")
    page = Paginator(works, WORKS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "references/bank.html", {"bank": bank, "page": page})
