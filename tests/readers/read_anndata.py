"""Run by the environment that has anndata and cmapPy: what they find in a file, as JSON on the last line."""

import json
import sys

import numpy as np


def h5ad(path: str) -> dict:
    import anndata

    found = anndata.read_h5ad(path)
    x = found.X if isinstance(found.X, np.ndarray) else found.X.toarray()
    backed = anndata.read_h5ad(path, backed="r")
    part = backed[1:3].X
    found.write_h5ad(f"{path}.again")  # what anndata reads, it has to be able to write
    return {
        "x": x.tolist(),
        "dtype": str(x.dtype),
        "sparse": not isinstance(found.X, np.ndarray),
        "part": (part if isinstance(part, np.ndarray) else part.toarray()).tolist(),
        "obs_names": list(found.obs_names),
        "var_names": list(found.var_names),
        "obs": {name: found.obs[name].astype(object).to_list() for name in found.obs},
        "categorical": [name for name in found.obs if str(found.obs[name].dtype) == "category"],
        "var": {name: found.var[name].astype(object).to_list() for name in found.var},
        "labels": {name: found.obsm["labels"][name].to_list() for name in found.obsm["labels"]},
        "about": {name: str(text) for name, text in found.uns["archscope"].items()},
    }


def gct(path: str) -> dict:
    from cmapPy.pandasGEXpress.parse_gct import parse

    found = parse(path)
    return {
        "x": found.data_df.to_numpy().tolist(),
        "rows": list(found.data_df.index),
        "columns": list(found.data_df.columns),
        "symbol": found.row_metadata_df["symbol"].to_list(),
        "series_id": found.col_metadata_df["series_id"].to_list(),
    }


if __name__ == "__main__":
    print(json.dumps({"h5ad": h5ad, "gct": gct}[sys.argv[1]](sys.argv[2])))
