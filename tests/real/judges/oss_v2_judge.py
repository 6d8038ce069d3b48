"""The second official Python SDK of Aliyun OSS, version 1 and 4 of the signatures, against a server.

    oss_v2_judge.py ENDPOINT REGION BUCKET   (keys in OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET)
"""

import datetime
import io
import os
import sys
import urllib.error
import urllib.request

import alibabacloud_oss_v2 as oss

endpoint, region, bucket = sys.argv[1:]
access, secret = os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]


def client(version, secret):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(access, secret)
    config.region, config.endpoint, config.signature_version = region, endpoint, version
    config.use_path_style, config.retry_max_attempts = True, 1
    return oss.Client(config)


def refused(code, call):
    try:
        call()
    except oss.exceptions.OperationError as error:
        assert error.unwrap().code == code, (code, error)
    else:
        raise AssertionError("not refused: " + code)


for version in ["v1", "v4"]:
    own, stranger = client(version, secret), client(version, secret + "x")
    folder = "oss-v2/" + version + "/"
    names = [folder + name for name in ["plain.ts", "a b+c=频.ts", "100%.ts", "x/y#z?.ts"]]
    for name in names:
        content = b"bytes of " + name.encode()
        put = own.put_object(oss.PutObjectRequest(bucket=bucket, key=name, body=content))
        assert put.status_code == 200 and put.hash_crc64
        got = own.get_object(oss.GetObjectRequest(bucket=bucket, key=name))
        assert got.body.read() == content, name
        head = own.head_object(oss.HeadObjectRequest(bucket=bucket, key=name))
        assert (head.content_length, head.object_type) == (len(content), "Normal"), name
        part = oss.GetObjectRequest(bucket=bucket, key=name, range_header="bytes=2-5", range_behavior="standard")
        part = own.get_object(part)
        assert (part.status_code, part.body.read()) == (206, b"tes "), name
        url = own.presign(oss.GetObjectRequest(bucket=bucket, key=name), expires=datetime.timedelta(minutes=1)).url
        assert urllib.request.urlopen(url).read() == content, name
        try:
            urllib.request.urlopen(url.replace("bytes", "bits") + "&response-content-type=text%2Fhtml")
        except urllib.error.HTTPError as error:
            assert error.code == 403, error
        else:
            raise AssertionError("a changed URL was taken")
    pages = own.list_objects_v2_paginator().iter_page(
        oss.ListObjectsV2Request(bucket=bucket, prefix=folder, max_keys=2, encoding_type="url"))
    found = [one.key for page in pages for one in page.contents]
    assert found == sorted(names), found
    pages = own.list_objects_paginator().iter_page(
        oss.ListObjectsRequest(bucket=bucket, prefix=folder, max_keys=2, encoding_type="url"))
    found = [one.key for page in pages for one in page.contents]
    assert found == sorted(names), found
    for stranger_asks in [
        lambda: stranger.get_object(oss.GetObjectRequest(bucket=bucket, key=names[0])),
        lambda: stranger.head_object(oss.HeadObjectRequest(bucket=bucket, key=names[0])),
        lambda: stranger.put_object(oss.PutObjectRequest(bucket=bucket, key=names[0], body=b"no")),
        lambda: stranger.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket)),
    ]:
        refused("SignatureDoesNotMatch", stranger_asks)
    refused("NoSuchKey", lambda: own.get_object(oss.GetObjectRequest(bucket=bucket, key=folder + "nobody")))
    # In parts, which this client proves by the CRC-64.
    key, data = folder + "parts/a b+c=频.ts", bytes(range(256)) * 1200
    uploader = own.uploader(part_size=100 << 10, parallel_num=2)
    cold = oss.PutObjectRequest(bucket=bucket, key=key, storage_class="ColdArchive", tagging="why=law")
    sent = uploader.upload_from(cold, io.BytesIO(data))
    assert sent.upload_id and sent.etag.strip('"').endswith("-3"), sent
    head = own.head_object(oss.HeadObjectRequest(bucket=bucket, key=key))
    assert (head.content_length, head.object_type, head.storage_class) == (len(data), "Multipart", "ColdArchive")
    refused("InvalidObjectState", lambda: own.get_object(oss.GetObjectRequest(bucket=bucket, key=key)))
    begun = own.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket=bucket, key=key)).upload_id
    listed = own.list_multipart_uploads(oss.ListMultipartUploadsRequest(bucket=bucket, prefix=folder, encoding_type="url"))
    assert [(one.key, one.upload_id) for one in listed.uploads] == [(key, begun)], listed
    own.abort_multipart_upload(oss.AbortMultipartUploadRequest(bucket=bucket, key=key, upload_id=begun))
    refused("NoSuchUpload", lambda: own.abort_multipart_upload(
        oss.AbortMultipartUploadRequest(bucket=bucket, key=key, upload_id=begun)))
    own.delete_object(oss.DeleteObjectRequest(bucket=bucket, key=names[0]))
    assert not own.is_object_exist(bucket, names[0])
print("judged by alibabacloud-oss-v2", oss.__version__)
