"""The first official Python SDK of Aliyun OSS, version 1 and 4 of the signatures, against a server.

    oss2_judge.py ENDPOINT REGION BUCKET   (keys in OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET)
"""

import os
import sys

import oss2

endpoint, region, bucket_name = sys.argv[1:]
access, secret = os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]


def bucket(version, secret):
    auth = {"v1": oss2.Auth, "v4": oss2.AuthV4}[version](access, secret)
    return oss2.Bucket(auth, endpoint, bucket_name, region=region, connect_timeout=10)


def refused(code, call):
    try:
        call()
    except oss2.exceptions.OssError as error:
        assert error.code == code, (code, error)
    else:
        raise AssertionError("not refused: " + code)


for version in ["v1", "v4"]:
    own = bucket(version, secret)
    folder = "oss2/" + version + "/"
    names = [folder + name for name in ["plain.ts", "a b+c=频.ts", "100%.ts", "x/y#z?.ts"]]
    for name in names:
        put = own.put_object(name, b"bytes of " + name.encode())
        assert put.status == 200 and put.crc is not None
        assert own.get_object(name).read() == b"bytes of " + name.encode(), name
        head = own.head_object(name)
        assert head.content_length == len("bytes of " + name.encode().decode("latin-1")), name
        assert head.object_type == "Normal" and head.server_crc is not None
        part = own.get_object(name, byte_range=(2, 5))
        assert (part.status, part.read()) == (206, b"tes "), name
        assert own.object_exists(name)
        # Without quotes, as this client sends it.
        own.get_object(name, headers={"If-Match": head.etag}).read()
        refused("PreconditionFailed", lambda: own.get_object(name, headers={"If-Match": "0" * 32}))
        # A range outside: the whole object, unless the client asks for the standard's behaviour.
        whole = own.get_object(name, byte_range=(1000, 2000))
        assert (whole.status, whole.read()) == (200, b"bytes of " + name.encode())
        standard = {"x-oss-range-behavior": "standard"}
        refused("InvalidRange", lambda: own.get_object(name, byte_range=(1000, 2000), headers=standard))
        url = own.sign_url("GET", name, 60, slash_safe=True)
        anonymous = oss2.Bucket(oss2.AnonymousAuth(), endpoint, bucket_name)
        assert anonymous.get_object_with_url(url).read() == b"bytes of " + name.encode(), name
        refused("SignatureDoesNotMatch", lambda: anonymous.get_object_with_url(url[:-6] + "AAAA%3D"))
    for iterator in [oss2.ObjectIterator, oss2.ObjectIteratorV2]:
        found = [one.key for one in iterator(own, prefix=folder, max_keys=2)]
        assert found == sorted(names), (iterator, found)
    top = own.list_objects_v2(prefix=folder, delimiter="/", max_keys=1000)
    assert top.prefix_list == [folder + "x/"], top.prefix_list
    refused("NoSuchKey", lambda: own.get_object(folder + "nobody"))
    refused("SignatureDoesNotMatch", lambda: bucket(version, secret + "x").get_object(names[0]))
    refused("SignatureDoesNotMatch", lambda: bucket(version, secret + "x").put_object(names[0], b"no"))
    refused("SignatureDoesNotMatch", lambda: bucket(version, secret + "x").list_objects_v2())
    own.put_object(folder + "cold.ts", b"cold", headers={"x-oss-storage-class": "Archive"})
    refused("InvalidObjectState", lambda: own.get_object(folder + "cold.ts"))
    assert own.restore_object(folder + "cold.ts").status == 202
    refused("RestoreAlreadyInProgress", lambda: own.restore_object(folder + "cold.ts"))
    assert own.head_object(folder + "cold.ts").headers["x-oss-restore"] == 'ongoing-request="true"'
    refused("InvalidDigest", lambda: own.put_object(folder + "x", b"x", headers={"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}))
    # In parts, which this client proves by the CRC-64 of each and of the whole.
    key, kept = folder + "parts/a b+c=频.ts", {
        "x-oss-storage-class": "IA", "x-oss-tagging": "why=the%20law", "x-oss-server-side-encryption": "AES256"}
    data = [bytes([n]) * size for n, size in enumerate([200 << 10, 100 << 10, 77])]
    upload = own.init_multipart_upload(key, headers=kept).upload_id
    parts = []
    for n, part in enumerate(data, 1):
        sent = own.upload_part(key, upload, n, part)
        parts.append(oss2.models.PartInfo(n, sent.etag, size=len(part), part_crc=sent.crc))
    begun = [one for one in oss2.MultipartUploadIterator(own, prefix=folder + "parts/", max_uploads=1)]
    assert [(one.key, one.upload_id) for one in begun] == [(key, upload)], begun
    assert not own.object_exists(key)
    refused("InvalidPart", lambda: own.complete_multipart_upload(key, upload, [oss2.models.PartInfo(1, "0" * 32)]))
    done = own.complete_multipart_upload(key, upload, parts)
    assert done.etag.endswith("-3") and done.crc == own.head_object(key).server_crc
    assert own.get_object(key).read() == b"".join(data)
    head = own.head_object(key)
    assert (head.object_type, head.headers["x-oss-storage-class"]) == ("Multipart", "IA"), head.headers
    assert head.headers["x-oss-server-side-encryption"] == "AES256"
    assert own.get_object_tagging(key).tag_set.tagging_rule == {"why": "the law"}
    refused("NoSuchUpload", lambda: own.upload_part(key, upload, 1, b"x"))
    upload = own.init_multipart_upload(key).upload_id
    own.upload_part(key, upload, 1, b"x")
    own.abort_multipart_upload(key, upload)
    refused("NoSuchUpload", lambda: own.complete_multipart_upload(key, upload, parts))
    upload = own.init_multipart_upload(key).upload_id
    small = [own.upload_part(key, upload, n, b"x") for n in (1, 2)]
    small = [oss2.models.PartInfo(n, sent.etag) for n, sent in enumerate(small, 1)]
    refused("EntityTooSmall", lambda: own.complete_multipart_upload(key, upload, small))
    own.abort_multipart_upload(key, upload)
    assert not list(oss2.MultipartUploadIterator(own, prefix=folder))
    for storage, tier, status in [("ColdArchive", "Bulk", 202), ("ColdArchive", "Expedited", 202)]:
        own.put_object(folder + tier, b"cold", headers={"x-oss-storage-class": storage})
        wish = oss2.models.RestoreConfiguration(3, oss2.models.RestoreJobParameters(tier))
        assert own.restore_object(folder + tier, input=wish).status == status, (storage, tier)
    own.put_object(folder + "deep", b"cold", headers={"x-oss-storage-class": "DeepColdArchive"})
    bulk = oss2.models.RestoreConfiguration(3, oss2.models.RestoreJobParameters("Bulk"))
    refused("MalformedXML", lambda: own.restore_object(folder + "deep", input=bulk))
    own.delete_object(names[0])
    assert not own.object_exists(names[0])

wrong = oss2.Bucket(oss2.AuthV4(access, secret), endpoint, bucket_name, region="us-west-1")
refused("AccessDenied", lambda: wrong.get_object("oss2/v4/x/y#z?.ts"))
print("judged by oss2", oss2.__version__)
