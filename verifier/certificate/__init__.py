"""The certificate file: writer and strict reader (docs/certificate-v2.md)."""

from verifier.certificate.document import make_document
from verifier.certificate.file import Certificate, read_certificate, write_certificate, write_data

__all__ = ["Certificate", "make_document", "read_certificate", "write_certificate", "write_data"]
