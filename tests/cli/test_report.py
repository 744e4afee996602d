"""`verifier report`: from certificates alone."""

from verifier.cli.main import main


def test_reports_are_rebuilt_from_certificates(certificate, capsys, tmp_path):
    assert main(["report", str(certificate)]) == 0
    name = capsys.readouterr().out.strip()
    assert (tmp_path / name).read_text().lower().startswith("<!doctype html>")
    assert main(["report", str(certificate), "--out", "x.html"]) == 0
    assert (tmp_path / "x.html").exists()
    assert main(["report", str(certificate), str(certificate), "--out", "x.html"]) == 2
    assert main(["report", "none.safetensors"]) == 4
