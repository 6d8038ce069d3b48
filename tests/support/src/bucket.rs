//! What an S3 bucket answers to a request whose signature is right.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use futures_util::StreamExt as _;
use s3s::dto;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::net::{self, Ranged};
use crate::s3::{Permission, S3Options, denied, permission};
use crate::store::{Checksum, Object, Objects, Restore};
use crate::thaw::Answer;

/// The one bucket of a server.
pub(crate) struct Bucket {
    pub(crate) objects: Objects,
    pub(crate) options: Arc<S3Options>,
}

impl Bucket {
    fn own(&self, bucket: &str) -> S3Result<()> {
        if bucket == self.options.bucket {
            return Ok(());
        }
        Err(S3Error::with_message(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist"))
    }

    /// The object, or the answer AWS gives for one that is not there: 404 only to those who may list.
    fn object<T>(&self, request: &S3Request<T>, key: &str) -> S3Result<Object> {
        self.objects.get(key).ok_or_else(|| {
            let access = request.credentials.as_ref().map(|credentials| credentials.access_key.as_str());
            match permission(&self.options, access, |keys| keys.list) {
                Permission::Allowed => {
                    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
                }
                Permission::Denied => denied(),
            }
        })
    }

    fn conditions(
        object: &Object,
        if_match: Option<&dto::IfMatch>,
        if_none_match: Option<&dto::IfNoneMatch>,
    ) -> S3Result<()> {
        let etag = object.etag();
        let same = |condition: &dto::ETagCondition| match condition.as_etag() {
            Some(listed) => net::etag_listed(listed.value(), &etag),
            None => true,
        };
        if if_match.is_some_and(|condition| !same(condition)) {
            let message = "At least one of the pre-conditions you specified did not hold";
            return Err(S3Error::with_message(S3ErrorCode::PreconditionFailed, message));
        }
        if if_none_match.is_some_and(same) {
            return Err(S3Error::new(S3ErrorCode::NotModified));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn get_object(
        &self,
        request: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        let input = &request.input;
        self.own(&input.bucket)?;
        let object = self.object(&request, &input.key)?;
        if object.is_frozen() {
            let message = "The operation is not valid for the object's storage class";
            return Err(S3Error::with_message(S3ErrorCode::InvalidObjectState, message));
        }
        Self::conditions(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let header = net::header_text(&request.headers, "range");
        let len = object.len();
        let (range, content_range) = match net::ranged(header.as_deref(), len) {
            Ranged::Whole => (0..len, None),
            Ranged::Part(part) => {
                let text = format!("bytes {}-{}/{len}", part.start, part.end - 1);
                (part, Some(text))
            }
            Ranged::Outside => {
                let message = "The requested range is not satisfiable";
                return Err(S3Error::with_message(S3ErrorCode::InvalidRange, message));
            }
        };
        // S3 gives a checksum of the whole object, so it gives none beside a part of it.
        let asked = input.checksum_mode.is_some() && content_range.is_none();
        let checksum = |name: &str| checksum(&object, name).filter(|_| asked);
        let stream = futures_util::stream::iter(object.chunks(range.clone()));
        Ok(S3Response::new(dto::GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(dto::StreamingBlob::wrap(stream)),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha256: checksum("sha256"),
            checksum_type: checksum_type(&object).filter(|_| asked),
            content_length: Some((range.end - range.start) as i64),
            content_range,
            content_type: Some(object.content_type.clone()),
            e_tag: Some(etag(&object)),
            last_modified: Some(object.modified_time().into()),
            restore: restore(&object),
            server_side_encryption: object.encryption.clone().map(Into::into),
            storage_class: object.class.clone().map(Into::into),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        let input = &request.input;
        self.own(&input.bucket)?;
        let object = self.object(&request, &input.key)?;
        Self::conditions(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let asked = input.checksum_mode.is_some();
        let checksum = |name: &str| checksum(&object, name).filter(|_| asked);
        Ok(S3Response::new(dto::HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha256: checksum("sha256"),
            checksum_type: checksum_type(&object).filter(|_| asked),
            content_length: Some(object.len() as i64),
            content_type: Some(object.content_type.clone()),
            e_tag: Some(etag(&object)),
            last_modified: Some(object.modified_time().into()),
            restore: restore(&object),
            server_side_encryption: object.encryption.clone().map(Into::into),
            storage_class: object.class.clone().map(Into::into),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        let input = request.input;
        self.own(&input.bucket)?;
        let after = match &input.continuation_token {
            Some(token) => Some(decode_token(token)?),
            None => input.start_after.clone(),
        };
        let asked = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap_or(1000);
        let page = Page::of(
            &self.objects,
            input.prefix.as_deref().unwrap_or_default(),
            input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
            after.as_deref(),
            asked.min(self.options.page_size),
        );
        let encode = |text: &str| match &input.encoding_type {
            Some(_) => percent_encoding::utf8_percent_encode(text, UNSAFE).to_string(),
            None => text.to_owned(),
        };
        let contents = page.objects.iter().map(|(key, object)| dto::Object {
            e_tag: Some(etag(object)),
            key: Some(encode(key)),
            last_modified: Some(object.modified_time().into()),
            size: Some(object.len() as i64),
            storage_class: Some(object.class.clone().unwrap_or_else(|| "STANDARD".to_owned()).into()),
            ..Default::default()
        });
        let folders = page.folders.iter().map(|folder| dto::CommonPrefix { prefix: Some(encode(folder)) });
        Ok(S3Response::new(dto::ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encode(input.prefix.as_deref().unwrap_or_default())),
            delimiter: input.delimiter,
            encoding_type: input.encoding_type.clone(),
            max_keys: Some(asked as i32),
            key_count: Some((page.objects.len() + page.folders.len()) as i32),
            is_truncated: Some(page.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: page.next.as_deref().map(|last| URL_SAFE_NO_PAD.encode(last)),
            start_after: input.start_after,
            contents: Some(contents.collect()),
            common_prefixes: Some(folders.collect()),
            ..Default::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<dto::GetBucketLocationInput>,
    ) -> S3Result<S3Response<dto::GetBucketLocationOutput>> {
        self.own(&request.input.bucket)?;
        // The oldest region is written as nothing.
        let region = self.options.region.clone().filter(|region| region != "us-east-1");
        Ok(S3Response::new(dto::GetBucketLocationOutput { location_constraint: region.map(Into::into) }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<dto::HeadBucketInput>,
    ) -> S3Result<S3Response<dto::HeadBucketOutput>> {
        self.own(&request.input.bucket)?;
        Ok(S3Response::new(dto::HeadBucketOutput {
            bucket_region: self.options.region.clone(),
            ..Default::default()
        }))
    }

    async fn restore_object(
        &self,
        request: S3Request<dto::RestoreObjectInput>,
    ) -> S3Result<S3Response<dto::RestoreObjectOutput>> {
        let input = &request.input;
        self.own(&input.bucket)?;
        let object = self.object(&request, &input.key)?;
        let malformed = || S3Error::new(S3ErrorCode::MalformedXML);
        let asked = input.restore_request.as_ref().ok_or_else(malformed)?;
        let tier = asked.glacier_job_parameters.as_ref().map(|job| job.tier.as_str().to_owned());
        let days = asked.days.and_then(|days| u64::try_from(days).ok()).filter(|days| *days > 0);
        if asked.days.is_none() || days.is_none() {
            return Err(malformed());
        }
        let tiers: &[&str] = match object.class.as_deref() {
            Some("DEEP_ARCHIVE") => &["Standard", "Bulk"],
            _ => &["Expedited", "Standard", "Bulk"],
        };
        let frozen = object.is_frozen();
        let output = dto::RestoreObjectOutput::default();
        match self.objects.thaws.ask(&self.objects, (&input.key, object), (tier, days), frozen, tiers) {
            Answer::Begun | Answer::Done => Ok(S3Response::new(output)),
            Answer::UnderWay => {
                let message = "Object restore is already in progress";
                Err(S3Error::with_message(S3ErrorCode::RestoreAlreadyInProgress, message))
            }
            Answer::NotArchived => {
                let message = "Restore is not allowed for the object's current storage class";
                Err(S3Error::with_message(S3ErrorCode::InvalidObjectState, message))
            }
            Answer::NoSuchTier => {
                let message = "Retrieval option is not supported by this storage class";
                Err(S3Error::with_message(S3ErrorCode::InvalidArgument, message))
            }
        }
    }

    async fn put_object(
        &self,
        request: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        let input = request.input;
        self.own(&input.bucket)?;
        let mut bytes = Vec::new();
        if let Some(mut body) = input.body {
            while let Some(chunk) = body.next().await {
                let chunk =
                    chunk.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
                bytes.extend_from_slice(&chunk);
            }
        }
        let mut object = Object::new(bytes).with_checksum(Checksum::Crc64Nvme);
        if let Some(stated) = &input.content_md5
            && BASE64.decode(stated).ok().map(hex::encode) != Some(object.md5_hex())
        {
            return Err(S3Error::new(S3ErrorCode::BadDigest));
        }
        for (algorithm, stated) in [
            (Checksum::Crc64Nvme, &input.checksum_crc64nvme),
            (Checksum::Crc32, &input.checksum_crc32),
            (Checksum::Crc32c, &input.checksum_crc32c),
            (Checksum::Sha256, &input.checksum_sha256),
        ] {
            if stated.as_ref().is_some_and(|stated| *stated != object.checksum(algorithm)) {
                return Err(S3Error::new(S3ErrorCode::BadDigest));
            }
        }
        if let Some(value) = &input.content_type {
            object.content_type = value.clone();
        }
        object.class = input.storage_class.map(|class| class.as_str().to_owned());
        if let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            object.last_modified = now.as_secs();
        }
        let e_tag = Some(etag(&object));
        self.objects.put(input.key, object);
        Ok(S3Response::new(dto::PutObjectOutput { e_tag, ..Default::default() }))
    }
}

/// What `encoding-type=url` leaves as it is.
const UNSAFE: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// One page of a listing.
pub(crate) struct Page {
    pub(crate) objects: Vec<(String, Object)>,
    pub(crate) folders: Vec<String>,
    /// The last key or folder of this page, when more follows.
    pub(crate) next: Option<String>,
}

impl Page {
    pub(crate) fn of(
        objects: &Objects,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Self {
        let mut page = Self { objects: Vec::new(), folders: Vec::new(), next: None };
        let mut last: Option<String> = None;
        objects.walk(after.unwrap_or_default(), prefix, |key, object| {
            let folder = delimiter.and_then(|delimiter| {
                let rest = &key[prefix.len()..];
                rest.find(delimiter).map(|at| key[..prefix.len() + at + delimiter.len()].to_owned())
            });
            // A page that ended with a folder goes on after everything in that folder.
            let seen = after.is_some_and(|after| key == after || folder.as_deref() == Some(after));
            if seen || (folder.is_some() && folder == page.folders.last().cloned()) {
                return true;
            }
            if page.objects.len() + page.folders.len() == most {
                page.next = last.clone();
                return false;
            }
            last = Some(folder.clone().unwrap_or_else(|| key.to_owned()));
            match folder {
                Some(folder) => page.folders.push(folder),
                None => page.objects.push((key.to_owned(), object.clone())),
            }
            true
        });
        page
    }
}

fn decode_token(token: &str) -> S3Result<String> {
    URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        S3Error::with_message(S3ErrorCode::InvalidArgument, "The continuation token provided is incorrect")
    })
}

fn etag(object: &Object) -> dto::ETag {
    dto::ETag::Strong(object.etag().trim_matches('"').to_owned())
}

fn checksum(object: &Object, name: &str) -> Option<String> {
    object.checksums.iter().find(|(algorithm, _)| *algorithm == name).map(|(_, value)| value.clone())
}

fn checksum_type(object: &Object) -> Option<dto::ChecksumType> {
    (!object.checksums.is_empty()).then(|| object.checksum_type.to_owned().into())
}

fn restore(object: &Object) -> Option<String> {
    match object.restore_now() {
        Restore::Never | Restore::Due { .. } => None,
        Restore::Running => Some("ongoing-request=\"true\"".to_owned()),
        Restore::Until(second) => {
            let date = net::http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
            Some(format!("ongoing-request=\"false\", expiry-date=\"{date}\""))
        }
    }
}
