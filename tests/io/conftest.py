"""What holds for every test of reading."""

import pytest
from dicom_making import SENTINEL


@pytest.fixture(autouse=True)
def no_identity(tmp_path, caplog, capfd):
    """Nothing that a test logs or prints may carry the patient's identity."""
    yield
    out, err = capfd.readouterr()
    assert SENTINEL not in caplog.text + out + err
