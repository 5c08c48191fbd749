"""A notebook workbench for image generation with the Rivya API.

```python
%load_ext rivya_nb          # in a notebook, for the %%rivya cell magic
import rivya_nb as rv       # the same from Python
```

The public names stand in `__init__.pyi`, for type checkers and for Python alike. Each is imported when it is first
used, so that loading the extension costs next to nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
