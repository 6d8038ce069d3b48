"""What lies below a prefix of a bucket of OSS, brought into a folder by the vendor's SDK.

    oss_reads.py ENDPOINT REGION BUCKET PREFIX FOLDER   (keys in OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET)

Prints the storage class and the key of each object, with a tab between.
"""

import os
import pathlib
import sys

import oss2

endpoint, region, bucket, prefix, folder = sys.argv[1:]
auth = oss2.AuthV4(os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"])
bucket = oss2.Bucket(auth, endpoint, bucket, region=region)
for one in oss2.ObjectIteratorV2(bucket, prefix=prefix):
    path = pathlib.Path(folder) / one.key[len(prefix):]
    path.parent.mkdir(parents=True, exist_ok=True)
    # It checks the CRC-64.
    bucket.get_object_to_file(one.key, str(path))
    print(bucket.head_object(one.key).headers["x-oss-storage-class"], one.key, sep="\t")
