"""The command `audit-verify`: proves that the audit log is whole, and prints its ends to be noted elsewhere."""

from __future__ import annotations

import click

from quickshop.kernel.unit_of_work import reading
from quickshop.runtime.commanding import at_work, progress
from quickshop.security.audit_chain import Break, Head, head, verify
from quickshop.security.models import CHAINS


def _heads(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Head]:
    """The --expect option: CHAIN:SEQ:MAC, as an earlier run printed it."""
    found = {}
    for value in values:
        chain, _, rest = value.partition(":")
        seq, _, mac = rest.partition(":")
        try:
            found[chain] = Head(chain, int(seq), b"" if mac == "-" else bytes.fromhex(mac))
        except ValueError:
            found[chain] = None  # type: ignore[assignment]
        if chain not in CHAINS or found[chain] is None:
            raise click.BadParameter(f"give CHAIN:SEQ:MAC as an earlier run printed it, not {value!r}.")
    return found


@click.command("audit-verify")
@click.option("--expect", multiple=True, callback=_heads, help="An end noted earlier, CHAIN:SEQ:MAC; may be repeated.")
def audit_verify(expect: dict[str, Head]) -> None:
    """Prove that no entry of the audit log was changed, moved or removed. Ends with 1 at a break."""
    with at_work("report", "The audit log cannot be read"):
        breaks = [found for chain in CHAINS if (found := _verify(chain, expect.get(chain))) is not None]
        if breaks:
            raise SystemExit(1)
        with reading():
            ends = " ".join(f"--expect {head(chain)}" for chain in CHAINS)
    click.echo("The audit log is whole. Note its ends outside of the database:")
    click.echo(ends)


def _verify(chain: str, expected: Head | None) -> Break | None:
    with progress(transient=True) as bar, reading():
        task = bar.add_task(f"chain {chain}", total=head(chain).seq)
        found = verify(chain, expected, lambda done, total: bar.update(task, completed=done, total=total))
        end = head(chain)
    click.echo(f"{chain}: {end.seq} entries, head {end}")
    if found is not None:
        click.echo(f"BROKEN at {found}", err=True)
    return found
