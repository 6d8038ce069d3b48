//! Writing to a bucket that speaks S3.
//!
//! Objects and parts go over the shared transport with a presigned request, so that nobody hashes them once more
//! for the signature; what only talks about them (begin, complete, abort) goes through the SDK.

use async_trait::async_trait;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, ObjectLockEnabled, ObjectLockMode, ServerSideEncryption,
    StorageClass,
};
use aws_sdk_s3::{Client, error::SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use md5::{Digest as _, Md5};

use super::{S3Dialect, S3Source, SIGNATURE_LIFETIME, request, sdk_error};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, ETag, Obstacle, SourceName};
use crate::source::destination::{Destination, Keeping, Object, Parts, Pieces, Stored, Upload, tagging};
use crate::source::http::Transport;
use crate::source::{Error, Operation, s3_headers};

/// Between these a part may have (Amazon S3, "Multipart upload limits", 2026): 5 MiB and 5 GiB.
const PART_BYTES: (u64, u64) = (5 << 20, 5 << 30);

#[async_trait]
impl Destination for S3Source {
    fn proofs(&self) -> &'static [Algorithm] {
        // The store checks the first before it takes the object; a compatible one that knows no checksums answers
        // with the second as its ETag.
        &[Algorithm::Sha256, Algorithm::Md5]
    }

    fn part_bytes(&self) -> (u64, u64) {
        PART_BYTES
    }

    async fn accepts(&self, keeping: &Keeping) -> Result<(), Error> {
        if keeping.lock.is_none() {
            return Ok(());
        }
        let asked = self.client().get_object_lock_configuration().bucket(&self.place.bucket).send().await;
        let name = self.transport.name();
        let lockless = |words: String| {
            let error = Error::new(Obstacle::Unsupported, Operation::Write, name, "");
            Err(error.with_answer(format!("the bucket has no object lock{words}")))
        };
        match asked {
            Ok(told) => match told.object_lock_configuration().and_then(|lock| lock.object_lock_enabled()) {
                Some(ObjectLockEnabled::Enabled) => Ok(()),
                Some(_) | None => lockless(String::new()),
            },
            Err(cause) => {
                let error = sdk_error(name, Operation::Stat, "", &cause);
                match error.obstacle {
                    // Whoever may not look may be allowed to lock; the store refuses the first object else.
                    Obstacle::Denied(Denial::NotAllowed) => Ok(()),
                    // `ObjectLockConfigurationNotFoundError`, and what stores answer that know no such thing.
                    Obstacle::Absent | Obstacle::Unsupported | Obstacle::Unexpected => {
                        lockless(error.answer.map_or_else(String::new, |words| format!(": {words}")))
                    }
                    Obstacle::NoSuchBucket
                    | Obstacle::Denied(_)
                    | Obstacle::Frozen { .. }
                    | Obstacle::WrongRegion { .. }
                    | Obstacle::Changed
                    | Obstacle::Corrupt
                    | Obstacle::Throttled
                    | Obstacle::Unreachable
                    | Obstacle::Untrusted => Err(error),
                }
            }
        }
    }

    async fn put(&self, object: &Object<'_>) -> Result<Stored, Error> {
        let Object { key, bytes, digests, keeping } = *object;
        let encoded = |algorithm| {
            let digest = digests.iter().find(|digest| digest.algorithm() == algorithm)?;
            Some(BASE64.encode(digest.bytes()))
        };
        let put = self.client().put_object().bucket(&self.place.bucket).key(key.as_str());
        let put =
            put.set_checksum_sha256(encoded(Algorithm::Sha256)).set_content_md5(encoded(Algorithm::Md5));
        let presigned = kept(put, keeping).presigned(self.lifetime(key)?).await;
        let presigned = presigned.map_err(|cause| self.sign_error(key, cause))?;
        let fail = || Error::new(Obstacle::Unexpected, Operation::Sign, self.transport.name(), key.as_str());
        let request = request(&presigned).ok_or_else(fail)?;
        let put = self.transport.act(Operation::Write, Method::PUT, key.as_str(), request, bytes);
        let headers = put.await?.headers().clone();
        Ok(stored(key, &headers))
    }

    async fn begin(&self, key: &ObjectKey, keeping: &Keeping) -> Result<Box<dyn Upload>, Error> {
        let client = self.client();
        let begin = client.create_multipart_upload().bucket(&self.place.bucket).key(key.as_str());
        let begin = begin
            .set_storage_class(keeping.class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(keeping.encryption.as_deref().map(ServerSideEncryption::from))
            .set_tagging(tagging(keeping))
            .set_object_lock_mode(keeping.lock.as_ref().map(|lock| ObjectLockMode::from(lock.mode.as_str())))
            .set_object_lock_retain_until_date(
                keeping.lock.as_ref().map(|lock| DateTime::from_secs(lock.until)),
            )
            .set_content_type(keeping.content_type.map(str::to_owned));
        let name = self.transport.name();
        let begun =
            begin.send().await.map_err(|cause| sdk_error(name, Operation::Write, key.as_str(), &cause))?;
        let Some(id) = begun.upload_id() else {
            let error = Error::new(Obstacle::Unexpected, Operation::Write, name, key.as_str());
            return Err(error.with_answer("the upload got no ID"));
        };
        Ok(Box::new(S3Upload {
            client,
            transport: self.transport.clone(),
            bucket: self.place.bucket.clone(),
            key: key.clone(),
            id: id.to_owned(),
            parts: Vec::new(),
            tags: Md5::new(),
        }))
    }

    async fn abort_unfinished(&self, prefix: &str, since: i64) -> Result<usize, Error> {
        let (client, bucket, name) = (self.client(), &self.place.bucket, self.transport.name());
        let mut aborted = 0;
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let list = client.list_multipart_uploads().bucket(bucket).prefix(prefix);
            let list = list.set_key_marker(key_marker).set_upload_id_marker(id_marker);
            let page = list.send().await.map_err(|cause| sdk_error(name, Operation::List, prefix, &cause))?;
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                // Whoever is still at it has begun lately.
                if upload.initiated().is_none_or(|begun| begun.secs() >= since) {
                    continue;
                }
                let abort = client.abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
                abort.send().await.map_err(|cause| sdk_error(name, Operation::Remove, key, &cause))?;
                aborted += 1;
            }
            let next = page.next_key_marker().filter(|_| page.is_truncated() == Some(true));
            let Some(next) = next else { return Ok(aborted) };
            key_marker = Some(next.to_owned());
            id_marker = page.next_upload_id_marker().map(str::to_owned);
        }
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Error> {
        let remove = self.client().delete_object().bucket(&self.place.bucket).key(key.as_str()).send().await;
        let failed = |cause| sdk_error(self.transport.name(), Operation::Remove, key.as_str(), &cause);
        remove.map(|_| ()).map_err(failed)
    }
}

impl S3Source {
    fn lifetime(&self, key: &ObjectKey) -> Result<PresigningConfig, Error> {
        PresigningConfig::expires_in(SIGNATURE_LIFETIME).map_err(|cause| {
            let name = self.transport.name();
            Error::new(Obstacle::Unexpected, Operation::Sign, name, key.as_str()).with_cause(cause)
        })
    }
}

fn kept(put: PutObjectFluentBuilder, keeping: &Keeping) -> PutObjectFluentBuilder {
    put.set_storage_class(keeping.class.as_deref().map(StorageClass::from))
        .set_server_side_encryption(keeping.encryption.as_deref().map(ServerSideEncryption::from))
        .set_tagging(tagging(keeping))
        .set_object_lock_mode(keeping.lock.as_ref().map(|lock| ObjectLockMode::from(lock.mode.as_str())))
        .set_object_lock_retain_until_date(keeping.lock.as_ref().map(|lock| DateTime::from_secs(lock.until)))
        .set_content_type(keeping.content_type.map(str::to_owned))
}

/// What the headers of an answer to a write vouch for.
fn stored(key: &ObjectKey, headers: &http::HeaderMap) -> Stored {
    let etag = headers.get(http::header::ETAG).and_then(|value| value.to_str().ok()).map(ETag::new);
    let mut info = ObjectInfo { etag, ..ObjectInfo::bare(key.clone()) };
    s3_headers::enrich(headers, &mut info);
    Stored { etag: info.etag, digests: info.digests, parts: Parts::Untold }
}

impl S3Upload {
    /// The tag of what has the key now.
    async fn tag(&self) -> Option<ETag> {
        let head = self.client.head_object().bucket(&self.bucket).key(self.key.as_str());
        head.send().await.ok()?.e_tag().map(ETag::new)
    }
}

struct S3Upload {
    client: Client,
    transport: Transport<S3Dialect>,
    bucket: String,
    key: ObjectKey,
    id: String,
    parts: Vec<CompletedPart>,
    /// Of the MD5s of all parts: the ETag follows from it, except under KMS.
    tags: Md5,
}

#[async_trait]
impl Upload for S3Upload {
    async fn part(&mut self, bytes: &Pieces) -> Result<(), Error> {
        let name = self.transport.name();
        let fail = |obstacle| Error::new(obstacle, Operation::Write, name, self.key.as_str());
        let number = i32::try_from(self.parts.len() + 1)
            .map_err(|cause| fail(Obstacle::Unexpected).with_cause(cause))?;
        let mut md5 = Md5::new();
        bytes.iter().for_each(|piece| md5.update(piece));
        let md5: [u8; 16] = md5.finalize().into();
        let part = self.client.upload_part().bucket(&self.bucket).key(self.key.as_str());
        let part = part.upload_id(&self.id).part_number(number).content_md5(BASE64.encode(md5));
        let lifetime = PresigningConfig::expires_in(SIGNATURE_LIFETIME);
        let lifetime = lifetime.map_err(|cause| fail(Obstacle::Unexpected).with_cause(cause))?;
        let presigned = part.presigned(lifetime).await;
        let presigned =
            presigned.map_err(|cause| sdk_error(name, Operation::Sign, self.key.as_str(), &cause))?;
        let request = request(&presigned).ok_or_else(|| fail(Obstacle::Unexpected))?;
        let put = self.transport.act(Operation::Write, Method::PUT, self.key.as_str(), request, bytes);
        let headers = put.await?.headers().clone();
        let etag = headers.get(http::header::ETAG).and_then(|value| value.to_str().ok());
        let etag = etag.ok_or_else(|| fail(Obstacle::Unexpected).with_answer("a part got no ETag"))?;
        self.tags.update(md5);
        self.parts.push(CompletedPart::builder().part_number(number).e_tag(etag).build());
        Ok(())
    }

    async fn complete(&mut self, _: &[Digest]) -> Result<Stored, Error> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts.clone())).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(self.key.as_str());
        let completed = complete.upload_id(&self.id).multipart_upload(parts).send().await;
        let name = self.transport.name();
        let expected = format!("{}-{}", hex::encode(self.tags.clone().finalize()), self.parts.len());
        let completed = match completed {
            Ok(completed) => completed,
            Err(cause) => {
                let error = sdk_error(name, Operation::Write, self.key.as_str(), &cause);
                // An earlier try may have done it, and only its answer did not come.
                if error.obstacle == Obstacle::Absent
                    && let Some(etag) = self.tag().await
                    && etag.as_str().eq_ignore_ascii_case(&expected)
                {
                    return Ok(Stored { etag: Some(etag), digests: Vec::new(), parts: Parts::Agree });
                }
                return Err(error);
            }
        };
        let etag = completed.e_tag().map(ETag::new);
        // Under KMS, and at some compatible stores, the tag has another form and tells nothing.
        let comparable = etag.as_ref().is_some_and(|etag| etag.as_str().len() == expected.len())
            && !completed.server_side_encryption().is_some_and(|how| how.as_str().starts_with("aws:kms"));
        let parts = match (comparable, &etag) {
            (true, Some(etag)) if etag.as_str().eq_ignore_ascii_case(&expected) => Parts::Agree,
            (true, Some(_)) => Parts::Differ,
            (_, _) => Parts::Untold,
        };
        Ok(Stored { etag, digests: Vec::new(), parts })
    }

    async fn abort(&mut self) -> Result<(), Error> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(self.key.as_str());
        let aborted = abort.upload_id(&self.id).send().await;
        let failed = |cause: SdkError<_, HttpResponse>| {
            let name: &SourceName = self.transport.name();
            sdk_error(name, Operation::Remove, self.key.as_str(), &cause)
        };
        aborted.map(|_| ()).map_err(failed)
    }
}
