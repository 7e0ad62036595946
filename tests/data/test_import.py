import pathlib
import subprocess
import sys


def test_importing_the_data_package_is_light():
    """Who reads MNIST waits neither for the network's modules nor for a progress bar."""
    heavy = "{'urllib.request', 'ssl', 'http.client', 'tqdm', 'platformdirs', 'matplotlib', 'PIL', 'concurrent.futures', 'numba'}"
    code = f"import sys, minicnn.data; minicnn.data.get('mnist', train=False); print(sorted({heavy} & set(sys.modules)))"
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
