//! With an authority that is trusted. Which ones are is read from the environment when a program starts, so
//! the client runs in a program of its own and the servers in this one.

use recfetch::domain::place::Obstacle;
use recfetch::domain::report::Outcome;
use recfetch::domain::verdict::Verdict;
use recfetch::engine::{LocateError, Store};
use recfetch::source::Place;
use recfetch_test_support::tls::{Authority, Shown};
use recfetch_test_support::{WebOptions, web};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::kit::*;

const URLS: &str = "RECFETCH_TEST_HTTPS_URLS";
const NAME: &str = "certificates::certificates_of_a_trusted_authority_are_judged_and_https_stays_https";

#[tokio::test]
async fn certificates_of_a_trusted_authority_are_judged_and_https_stays_https() {
    if let Ok(urls) = std::env::var(URLS) {
        return client(&urls.split(' ').collect::<Vec<_>>()).await;
    }
    let plain = Stage::of(Kind::Web, &plan(2)).await;
    let authority = Authority::new().unwrap();
    let mut servers = Vec::new();
    for shown in [Shown::Right, Shown::Expired, Shown::WrongHost, Shown::SelfSigned] {
        let tls = Some(authority.acceptor(shown).unwrap());
        servers.push(
            web::start_with(&plain.objects, WebOptions { tls, ..WebOptions::default() }).await.unwrap(),
        );
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut urls: Vec<_> = servers.iter().map(recfetch_test_support::Handle::url).collect();
    urls.push(format!("https://{}", listener.local_addr().unwrap()));
    let (acceptor, target) = (authority.acceptor(Shown::Right).unwrap(), plain.front.url());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = vec![0; 4096];
            let n = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..n]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {target}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let ended = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact"])
        .env("SSL_CERT_FILE", authority.pem_path())
        .env(URLS, urls.join(" "))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(plain.front.requests().len(), 0, "nobody was led from https down to http");
}

async fn client(urls: &[&str]) {
    let plan = plan(2);
    let run = |url: &str| {
        let place = Place::Http { url: format!("{url}/").parse().unwrap() };
        let plan = plan.clone();
        async move { Run::sid(Store::connect(&spec("prod", place)).await.unwrap()).key_if_web(Kind::Web, &plan) }
    };
    let (_keep, out) = out();
    let fetched = run(urls[0]).await.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    for (url, obstacle) in [
        (urls[1], Obstacle::Untrusted),
        (urls[2], Obstacle::Untrusted),
        (urls[3], Obstacle::Untrusted),
        (urls[4], Obstacle::Unexpected),
    ] {
        let error = run(url).await.not_located().await;
        let LocateError::Playlist { verdict: Verdict::Unreachable { last, .. }, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(last, obstacle, "{url}");
    }
}
