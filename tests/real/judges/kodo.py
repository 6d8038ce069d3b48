"""Qiniu's own SDK for Python against a Kodo server: kodo.py URL BUCKET ACCESS_KEY SECRET_KEY"""

import io
import sys
import urllib.error
import urllib.parse
import urllib.request

import qiniu
from qiniu.http.endpoint import Endpoint
from qiniu.http.region import Region, ServiceName
from qiniu.utils import etag_stream

url, bucket, access_key, secret_key = sys.argv[1:]
scheme, host = url.split("://")
here = [Endpoint(host, default_scheme=scheme)]
names = [ServiceName.UP, ServiceName.IO, ServiceName.RS, ServiceName.RSF, ServiceName.API, ServiceName.UC]
region = Region(services={name: here for name in names})


def manager(auth):
    return qiniu.BucketManager(auth, regions=[region], query_regions_endpoints=here)


auth = qiniu.Auth(access_key, secret_key)
bucket_manager = manager(auth)

files = {f"judge/py/{n:02}.ts": (f"slice {n} " * 1000).encode() for n in range(7)}
files["judge/py/频道 a+b.ts"] = b"odd"
files["judge/py/large.mp4"] = bytes(5 << 20)
for key, data in files.items():
    answer, info = qiniu.put_data(auth.upload_token(bucket, key), key, data, check_crc=True, regions=[region])
    assert info.status_code == 200 and answer["key"] == key, info
    assert answer["hash"] == etag_stream(io.BytesIO(data)), key

for key, data in files.items():
    answer, info = bucket_manager.stat(bucket, key)
    assert info.status_code == 200 and answer["fsize"] == len(data), info
    assert answer["hash"] == etag_stream(io.BytesIO(data)), key

found, marker, pages = [], None, 0
while True:
    answer, eof, info = bucket_manager.list(bucket, prefix="judge/py/", marker=marker, limit=3)
    assert info.status_code == 200, info
    found += [item["key"] for item in answer["items"]]
    pages += 1
    if eof:
        break
    marker = answer["marker"]
assert found == sorted(files) and pages > 2, (found, pages)

domains, info = bucket_manager.list_domains(bucket)
assert domains == [host], info

for key, data in files.items():
    # This SDK signs an address as it is given: it has to be encoded before.
    address = auth.private_download_url(f"{url}/{urllib.parse.quote(key)}", expires=60)
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == data, key


def refused(address, status):
    try:
        urllib.request.urlopen(address)
    except urllib.error.HTTPError as error:
        assert error.code == status, error
        return
    raise AssertionError(f"{status} was expected")


address = f"{url}/judge/py/00.ts"
wrong = qiniu.Auth(access_key, "another" + secret_key)
refused(address, 401)
refused(wrong.private_download_url(address), 401)
refused(auth.private_download_url(address, expires=-60), 401)
refused(auth.private_download_url(f"{url}/judge/py/absent.ts"), 404)
assert manager(wrong).stat(bucket, "judge/py/00.ts")[1].status_code == 401
assert bucket_manager.stat(bucket, "judge/py/absent.ts")[1].status_code == 612
assert bucket_manager.stat("nobodys", "judge/py/00.ts")[1].status_code == 631
answer, info = qiniu.put_data(wrong.upload_token(bucket, "x"), "x", b"x", regions=[region])
assert answer is None and info.status_code == 401, info

# In parts: of parts of 4 MiB the hash is that of the whole; of others it is not.
large = bytes(range(256)) * ((9 << 20) // 256 + 1)
for size, same in ((4 << 20, True), (5 << 20, False)):
    for number, name in enumerate(["standard", "line", "archive", "deep"]):
        key = f"judge/py/parts {size} {name}.ts"
        token = auth.upload_token(bucket, key, policy={"fileType": number})
        answer, info = qiniu.put_stream_v2(
            token, key, io.BytesIO(large), "f", len(large), part_size=size, version="v2", bucket_name=bucket,
            regions=[region])
        assert info.status_code == 200, info
        assert (answer["hash"] == etag_stream(io.BytesIO(large))) == same, (key, answer)
        answer, info = bucket_manager.stat(bucket, key)
        assert (answer["fsize"], answer["type"]) == (len(large), number), answer
    address = auth.private_download_url(f"{url}/{urllib.parse.quote('judge/py/parts %d standard.ts' % size)}")
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == large
    refused(auth.private_download_url(f"{url}/{urllib.parse.quote('judge/py/parts %d archive.ts' % size)}"), 403)
token = auth.upload_token(bucket, "cold.ts", policy={"fileType": 3})
assert qiniu.put_data(token, "cold.ts", b"x", regions=[region])[1].status_code == 200
assert bucket_manager.stat(bucket, "cold.ts")[0]["type"] == 3
assert qiniu.put_data(token, "other.ts", b"x", regions=[region])[1].status_code == 403
# The caller put it there, archived.
cold = "cold/slice.ts"
refused(auth.private_download_url(f"{url}/{cold}"), 403)
assert bucket_manager.restore_ar(bucket, cold, 8)[1].status_code == 400
assert manager(wrong).restore_ar(bucket, cold, 3)[1].status_code == 401
assert bucket_manager.restore_ar(bucket, cold, 3)[1].status_code == 200
assert bucket_manager.stat(bucket, cold)[0]["restoreStatus"] == 1
assert bucket_manager.restore_ar(bucket, "judge/py/01.ts", 3)[1].status_code == 400

assert bucket_manager.delete(bucket, "judge/py/00.ts")[1].status_code == 200
assert bucket_manager.stat(bucket, "judge/py/00.ts")[1].status_code == 612
print("ok")
