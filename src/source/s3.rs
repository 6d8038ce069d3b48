//! Amazon S3, and every store that speaks its protocol.
//!
//! The SDK lists, finds credentials and signs; the bytes come through the transport that all stores share.
//! Its own retries are off: the engine retries, because only it can go on with half a body.

mod restore;
mod write;

use std::sync::RwLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::types::EncodingType;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use url::Url;

use super::connect::{Credentials, S3Place};
use super::http::{Dialect, HttpOptions, Proxies, Request, Transport, encode_path, retry_after};
use super::secret::RedactedUrl;
use super::{
    Capabilities, Error, Listing, Opened, Operation, Page, PageToken, Read, Source, s3_answer, s3_headers,
};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, ETag, Obstacle, SourceName};
use crate::domain::regions::Addressing;
use crate::domain::thaw::{RestoreAnswer, RestoreRequest};
use crate::domain::time::SliceTime;

/// How long a signature is good for. A transfer that is cut after that is signed anew, so this only needs
/// to cover the time between signing and the first byte, and clocks that differ a little.
const SIGNATURE_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// A bucket.
pub struct S3Source {
    place: S3Place,
    config: aws_sdk_s3::config::Builder,
    /// Replaced when an answer names another region.
    client: RwLock<Client>,
    region: RwLock<String>,
    transport: Transport<S3Dialect>,
}

impl S3Source {
    /// Gets ready to read a bucket. Credentials are found now where they come from a chain; no request goes
    /// to the store itself.
    ///
    /// # Errors
    /// Where no TLS client can be set up.
    pub async fn connect(name: SourceName, place: S3Place, options: &HttpOptions) -> Result<Self, Error> {
        let transport = Transport::new(name, options, S3Dialect)?;
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(place.region.clone()))
            .force_path_style(place.addressing == Addressing::Path)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(options.connect_timeout)
                    .read_timeout(options.stall_timeout)
                    .build(),
            )
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .http_client(sdk_http_client(options.proxies));
        if let Some(endpoint) = &place.endpoint {
            config = config.endpoint_url(endpoint.as_str());
        }
        config = match credentials(&place.credentials, options.proxies).await {
            Some(provider) => config.credentials_provider(provider),
            None => config.allow_no_auth(),
        };
        let client = RwLock::new(Client::from_conf(config.clone().build()));
        let region = RwLock::new(place.region.clone());
        Ok(Self { place, config, client, region, transport })
    }

    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The region that the bucket is in, as far as is known.
    fn region(&self) -> String {
        self.region.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn signed(&self, operation: Operation, key: &ObjectKey) -> Result<Request, Error> {
        let fail = || Error::new(Obstacle::Unexpected, Operation::Sign, self.name(), key.as_str());
        if matches!(self.place.credentials, Credentials::Anonymous) {
            return self.unsigned(key).ok_or_else(|| fail().with_answer("the endpoint is not a URL"));
        }
        let lifetime = PresigningConfig::expires_in(SIGNATURE_LIFETIME).map_err(|e| fail().with_cause(e))?;
        let (client, bucket) = (self.client(), self.place.bucket.as_str());
        let presigned = match operation {
            Operation::Stat => {
                let request = client.head_object().bucket(bucket).key(key.as_str()).customize();
                let presigned = request.mutate_request(ask_for_checksums).presigned(lifetime).await;
                presigned.map_err(|e| self.sign_error(key, e))
            }
            Operation::Read
            | Operation::List
            | Operation::Sign
            | Operation::Write
            | Operation::Remove
            | Operation::Restore => {
                let request = client.get_object().bucket(bucket).key(key.as_str()).customize();
                let presigned = request.mutate_request(ask_for_checksums).presigned(lifetime).await;
                presigned.map_err(|e| self.sign_error(key, e))
            }
        }?;
        request(&presigned).ok_or_else(|| fail().with_answer("the signed request cannot be sent"))
    }

    /// A public bucket is read without a signature.
    fn unsigned(&self, key: &ObjectKey) -> Option<Request> {
        let S3Place { bucket, endpoint, addressing, .. } = &self.place;
        let endpoint = endpoint.clone().unwrap_or_else(|| super::connect::aws_endpoint(&self.region()));
        let mut url = Url::parse(&endpoint).ok()?;
        let path = match addressing {
            Addressing::Path => format!("/{bucket}/{}", encode_path(key.as_str())),
            Addressing::VirtualHost => {
                let host = format!("{bucket}.{}", url.host_str()?);
                url.set_host(Some(&host)).ok()?;
                format!("/{}", encode_path(key.as_str()))
            }
        };
        url.set_path(&path);
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-checksum-mode", HeaderValue::from_static("ENABLED"));
        Some(Request { url: RedactedUrl::new(url), headers })
    }

    fn sign_error<E>(&self, key: &ObjectKey, cause: SdkError<E, HttpResponse>) -> Error
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        // The only thing that can fail before anything is sent is finding credentials.
        let denied = Obstacle::Denied(Denial::Anonymous);
        Error::new(denied, Operation::Sign, self.name(), key.as_str())
            .with_answer("no credentials could be found")
            .with_cause(Words::of(&cause))
    }
}

/// What a failed call of the SDK means.
fn sdk_error<E>(
    name: &SourceName,
    operation: Operation,
    target: &str,
    cause: &SdkError<E, HttpResponse>,
) -> Error
where
    E: std::error::Error + 'static,
{
    let fail = |obstacle| Error::new(obstacle, operation, name, target);
    if let Some(answer) = cause.raw_response() {
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let headers: HeaderMap = answer
            .headers()
            .iter()
            .filter_map(|(k, v)| Some((k.parse::<HeaderName>().ok()?, HeaderValue::from_str(v).ok()?)))
            .collect();
        let error = answer.body().bytes().and_then(s3_answer::read_error);
        let words = error.as_ref().map_or_else(String::new, |e| format!(" {}", e.words));
        let mut refused = fail(s3_answer::obstacle(status, &headers, error.as_ref()))
            .with_answer(format!("HTTP {}{words}", status.as_u16()));
        refused.retry_after = retry_after(&headers);
        return refused;
    }
    let text = DisplayErrorContext(cause).to_string();
    #[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum is open")]
    match cause {
        SdkError::ConstructionFailure(_) => {
            fail(Obstacle::Denied(Denial::Anonymous)).with_answer("no credentials could be found")
        }
        SdkError::DispatchFailure(failure) if failure.is_other() || text.contains("InvalidCertificate") => {
            if text.contains("InvalidCertificate") || text.contains("certificate") {
                fail(Obstacle::Untrusted)
            } else if text.contains("credentials") {
                fail(Obstacle::Denied(Denial::Anonymous)).with_answer("no credentials could be found")
            } else {
                fail(Obstacle::Unreachable)
            }
        }
        _ => fail(Obstacle::Unreachable),
    }
    .with_cause(Words::of(cause))
}

/// The SDK's error as text: its types print the request, and with it what must not be seen, on `Debug`.
#[derive(Debug)]
struct Words(String);

impl Words {
    /// An error and what is below it. The SDK's own way of showing that ends with the insides of its types.
    fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut below = error.source();
        while let Some(cause) = below {
            let said = cause.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            below = cause.source();
        }
        Self(text)
    }
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Words {}

#[async_trait]
impl Source for S3Source {
    fn name(&self) -> &SourceName {
        self.transport.name()
    }

    fn describe(&self) -> String {
        let S3Place { label, bucket, endpoint, .. } = &self.place;
        let region = self.region();
        // Whoever overrides the endpoint should see where requests really go.
        match endpoint.as_deref().map(Url::parse) {
            Some(Ok(endpoint)) => {
                let endpoint = RedactedUrl::new(endpoint).to_string();
                format!("{label}, {region}, {}, bucket {bucket}", endpoint.trim_end_matches('/'))
            }
            Some(Err(_)) | None => format!("{label}, {region}, bucket {bucket}"),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { listing: Listing::Possible }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        let request = self.signed(Operation::Stat, key).await?;
        self.transport.stat(key, request).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let request = self.signed(Operation::Read, key).await?;
        self.transport.open(key, read, request).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        // Keys may hold characters that no XML document can.
        let request = self.client().list_objects_v2().bucket(&self.place.bucket).prefix(prefix);
        let request = request.encoding_type(EncodingType::Url);
        let request = request.set_continuation_token(after.map(|token| token.0.clone()));
        let answer = request.send().await;
        let answer = answer.map_err(|cause| sdk_error(self.name(), Operation::List, prefix, &cause))?;
        tracing::debug!(store = %self.name(), prefix, keys = answer.contents().len(), "listed");
        let mut page = Page::default();
        for object in answer.contents() {
            let Some(key) = object.key() else { continue };
            // A compatible store that does not know the encoding does not name it either.
            let key = match answer.encoding_type() {
                Some(EncodingType::Url) => url_decoded(key),
                Some(_) | None => key.to_owned(),
            };
            page.push_key(&key, |key| listed(key, object));
        }
        if answer.is_truncated() == Some(true) {
            let Some(token) = answer.next_continuation_token() else {
                let error = Error::new(Obstacle::Unexpected, Operation::List, self.name(), prefix);
                return Err(error.with_answer("the listing breaks off without a way to go on"));
            };
            page.next = Some(PageToken(token.to_owned()));
        }
        Ok(page)
    }

    fn can_restore(&self) -> bool {
        true
    }

    async fn restore(&self, object: &ObjectInfo, request: &RestoreRequest) -> Result<RestoreAnswer, Error> {
        self.ask_for_restore(object, request).await
    }

    async fn public_url(&self, key: &ObjectKey) -> Option<Url> {
        self.unsigned(key)?.url.public()
    }

    async fn move_to_region(&self, region: &str) -> bool {
        // With an endpoint of its own only the signature changes; without, the host does too.
        let config = self.config.clone().region(Region::new(region.to_owned()));
        *self.region.write().unwrap_or_else(std::sync::PoisonError::into_inner) = region.to_owned();
        *self.client.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Client::from_conf(config.build());
        true
    }
}

/// A key as `encoding-type=url` writes it: a space may be a plus, and a plus never stands for itself.
fn url_decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// A listing tells no digest but the ETag, and not whether that is an MD5: with KMS it has the same form.
/// The answer to the GET tells, so nothing is claimed here.
fn listed(key: ObjectKey, object: &aws_sdk_s3::types::Object) -> ObjectInfo {
    ObjectInfo {
        size: object.size().and_then(|size| u64::try_from(size).ok()),
        etag: object.e_tag().map(ETag::new),
        modified: object
            .last_modified()
            .and_then(|time| time.to_millis().ok())
            .and_then(SliceTime::from_unix_ms),
        class: object.storage_class().map(|c| c.as_str().to_owned()).filter(|class| class != "STANDARD"),
        ..ObjectInfo::bare(key)
    }
}

/// As part of the query, which is signed: the SDK would send it as a header that it leaves out of the
/// signature, and stores refuse headers of theirs that are not signed.
fn ask_for_checksums(request: &mut HttpRequest) {
    let uri = request.uri();
    let separator = if uri.contains('?') { '&' } else { '?' };
    let uri = format!("{uri}{separator}x-amz-checksum-mode=ENABLED");
    // What was a URI is one with a parameter more.
    let _ = request.set_uri(uri);
}

fn request(presigned: &PresignedRequest) -> Option<Request> {
    let url = RedactedUrl::new(Url::parse(presigned.uri()).ok()?);
    let headers = presigned
        .headers()
        .filter_map(|(k, v)| Some((k.parse::<HeaderName>().ok()?, HeaderValue::from_str(v).ok()?)))
        .collect();
    Some(Request { url, headers })
}

/// The SDK's client with the TLS and the proxies that the transport has too.
fn sdk_http_client(proxies: Proxies) -> aws_sdk_s3::config::SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let mut connector = Connector::builder().tls_provider(ring);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.set_proxy_config(match proxies {
            Proxies::Direct => None,
            Proxies::System => Some(ProxyConfig::from_env()),
        });
        connector.build()
    })
}

/// `None` for a public bucket.
async fn credentials(credentials: &Credentials, proxies: Proxies) -> Option<SharedCredentialsProvider> {
    match credentials {
        Credentials::Anonymous => None,
        Credentials::Keys { access_key, secret_key, session_token } => {
            let token = session_token.as_ref().map(|token| token.expose().to_owned());
            Some(SharedCredentialsProvider::new(aws_credential_types::Credentials::new(
                access_key,
                secret_key.expose(),
                token,
                None,
                "settings",
            )))
        }
        Credentials::Command(command) => Some(SharedCredentialsProvider::new(
            aws_config::credential_process::CredentialProcessProvider::new(command.clone()),
        )),
        Credentials::Chain { profile } => {
            let mut loader =
                aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(sdk_http_client(proxies));
            if let Some(profile) = profile {
                loader = loader.profile_name(profile);
            }
            loader.load().await.credentials_provider()
        }
    }
}

#[derive(Clone, Copy)]
struct S3Dialect;

impl Dialect for S3Dialect {
    fn obstacle(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Obstacle, Option<String>) {
        let error = s3_answer::read_error(body);
        let obstacle = s3_answer::obstacle(status, headers, error.as_ref());
        (obstacle, error.map(|error| error.words))
    }

    fn enrich(&self, headers: &HeaderMap, info: &mut ObjectInfo) {
        s3_headers::enrich(headers, info);
    }

    fn follows_redirects(&self) -> bool {
        false
    }
}
