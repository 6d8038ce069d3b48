// Qiniu's own SDK for Node against a Kodo server: node kodo.js URL BUCKET ACCESS_KEY SECRET_KEY
'use strict';

const assert = require('assert');
const http = require('http');
const net = require('net');
const { Readable } = require('stream');
const qiniu = require('qiniu');

const [address, bucket, accessKey, secretKey] = process.argv.slice(2);
// It signs the port of an address twice, so it gets a host without one that leads to the server's.
const host = 'kodo.test';
http.Agent.prototype.createConnection = () => net.connect(Number(new URL(address).port), '127.0.0.1');
const here = new qiniu.zone.Zone([host], [host], host, host, host, host);
const config = new qiniu.conf.Config({ zone: here, useHttpsDomain: false });
const macOf = secret => new qiniu.auth.digest.Mac(accessKey, secret);
const mac = macOf(secretKey);
const manager = new qiniu.rs.BucketManager(mac, config);

const files = {};
for (let n = 0; n < 7; n++) {
  files[`judge/js/0${n}.ts`] = Buffer.from(`slice ${n} `.repeat(1000));
}
files['judge/js/频道 a b.ts'] = Buffer.from('odd');

function put (mac, key, data) {
  const token = new qiniu.rs.PutPolicy({ scope: `${bucket}:${key}` }).uploadToken(mac);
  return new qiniu.form_up.FormUploader(config).put(token, key, data, new qiniu.form_up.PutExtra());
}

function get (address) {
  return new Promise((resolve, reject) => http.get(address, answer => {
    const parts = [];
    answer.on('data', part => parts.push(part));
    answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(parts), etag: answer.headers.etag }));
  }).on('error', reject));
}

async function main () {
  const hashes = {};
  for (const [key, data] of Object.entries(files)) {
    const { data: answer, resp } = await put(mac, key, data);
    assert.strictEqual(resp.statusCode, 200, JSON.stringify(answer));
    assert.strictEqual(answer.key, key);
    hashes[key] = answer.hash;
  }
  for (const [key, data] of Object.entries(files)) {
    const { data: answer, resp } = await manager.stat(bucket, key);
    assert.strictEqual(resp.statusCode, 200, JSON.stringify(answer));
    assert.deepStrictEqual([answer.fsize, answer.hash], [data.length, hashes[key]]);
  }
  const found = [];
  let marker; let pages = 0;
  do {
    const { data: answer, resp } = await manager.listPrefix(bucket, { prefix: 'judge/js/', limit: 3, marker });
    assert.strictEqual(resp.statusCode, 200, JSON.stringify(answer));
    found.push(...answer.items.map(item => item.key));
    marker = answer.marker;
    pages++;
  } while (marker);
  assert.deepStrictEqual(found, Object.keys(files).sort());
  assert(pages > 2);

  const deadline = Math.trunc(Date.now() / 1000) + 60;
  for (const [key, data] of Object.entries(files)) {
    const answer = await get(manager.privateDownloadUrl(address, key, deadline));
    assert.strictEqual(answer.status, 200, key);
    assert(answer.body.equals(data), key);
    assert.strictEqual(answer.etag, `"${hashes[key]}"`);
  }
  const large = Buffer.alloc(9 * 1024 * 1024 + 5, 'parts');
  const token = new qiniu.rs.PutPolicy({ scope: `${bucket}:judge/js/large.ts`, fileType: 1 }).uploadToken(mac);
  const extra = qiniu.resume_up.PutExtra.create(null, null, null, null, null, 4 * 1024 * 1024, 'v2');
  const sent = await new qiniu.resume_up.ResumeUploader(config)
    .putStream(token, 'judge/js/large.ts', Readable.from([large], { objectMode: false }), large.length, extra);
  assert.strictEqual(sent.resp.statusCode, 200, JSON.stringify(sent.data));
  const { data: kept } = await manager.stat(bucket, 'judge/js/large.ts');
  assert.deepStrictEqual([kept.fsize, kept.hash, kept.type], [large.length, sent.data.hash, 1]);
  assert((await get(manager.privateDownloadUrl(address, 'judge/js/large.ts', deadline))).body.equals(large));
  const wrong = macOf('another' + secretKey);
  const wrongManager = new qiniu.rs.BucketManager(wrong, config);
  const status = async promise => (await promise).resp.statusCode;
  assert.strictEqual((await get(`${address}/judge/js/00.ts`)).status, 401);
  assert.strictEqual((await get(wrongManager.privateDownloadUrl(address, 'judge/js/00.ts', deadline))).status, 401);
  assert.strictEqual((await get(manager.privateDownloadUrl(address, 'judge/js/00.ts', deadline - 120))).status, 401);
  assert.strictEqual(await status(wrongManager.stat(bucket, 'judge/js/00.ts')), 401);
  assert.strictEqual(await status(manager.stat(bucket, 'judge/js/absent.ts')), 612);
  assert.strictEqual(await status(manager.stat('nobodys', 'judge/js/00.ts')), 631);
  assert.strictEqual(await status(put(wrong, 'x', Buffer.from('x'))), 401);
  assert.strictEqual(await status(manager.delete(bucket, 'judge/js/00.ts')), 200);
  assert.strictEqual(await status(manager.stat(bucket, 'judge/js/00.ts')), 612);
  console.log('ok');
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
