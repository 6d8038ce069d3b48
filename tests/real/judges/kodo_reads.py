"""What lies below a prefix of a bucket of Kodo, brought into a folder by the vendor's SDK.

    kodo_reads.py URL BUCKET ACCESS_KEY SECRET_KEY PREFIX FOLDER

Prints the number of the class and the key of each object, with a tab between.
"""

import pathlib
import sys
import urllib.parse
import urllib.request

import qiniu
from qiniu.http.endpoint import Endpoint
from qiniu.http.region import Region, ServiceName
from qiniu.utils import etag

url, bucket, access_key, secret_key, prefix, folder = sys.argv[1:]
scheme, host = url.split("://")
here = [Endpoint(host, default_scheme=scheme)]
region = Region(services={name: here for name in ServiceName})
auth = qiniu.Auth(access_key, secret_key)
manager = qiniu.BucketManager(auth, regions=[region], query_regions_endpoints=here)
marker = None
while True:
    answer, eof, info = manager.list(bucket, prefix=prefix, marker=marker)
    assert info.status_code == 200, info
    for item in answer["items"]:
        path = pathlib.Path(folder) / item["key"][len(prefix):]
        path.parent.mkdir(parents=True, exist_ok=True)
        address = auth.private_download_url(f"{url}/{urllib.parse.quote(item['key'])}")
        with urllib.request.urlopen(address) as opened:
            path.write_bytes(opened.read())
        assert etag(str(path)) == item["hash"], item
        print(item["type"], item["key"], sep="\t")
    if eof:
        break
    marker = answer["marker"]
