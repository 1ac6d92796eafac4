"""The one actor that is no person: whoever may run commands on the machine itself."""


class MachineOperator:
    """Sees every studio. Commands use it; nothing that answers a request ever does."""

    is_authenticated = True
    is_active = True
    pk = None


MACHINE_OPERATOR = MachineOperator()
