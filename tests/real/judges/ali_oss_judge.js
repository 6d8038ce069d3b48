// The official Node SDK of Aliyun OSS, version 1 and 4 of the signatures, against a server.
//
//   ali_oss_judge.js ENDPOINT REGION BUCKET   (keys in OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET)
const assert = require('node:assert');
const OSS = require('ali-oss');

const [endpoint, region, bucket] = process.argv.slice(2);
const { OSS_ACCESS_KEY_ID: accessKeyId, OSS_ACCESS_KEY_SECRET: accessKeySecret } = process.env;

const client = (version, secret) =>
  new OSS({
    endpoint,
    region: `oss-${region}`,
    bucket,
    accessKeyId,
    accessKeySecret: secret,
    // To an address it says the name of the bucket at its region as the host.
    authorizationV4: version === 'v4',
    retryMax: 0,
  });

const refused = (code, promise) => assert.rejects(promise, (error) => error.code === code || assert.fail(`${code}: ${error}`));

async function main() {
  for (const version of ['v1', 'v4']) {
    const own = client(version, accessKeySecret);
    const stranger = client(version, `${accessKeySecret}x`);
    const folder = `ali-oss/${version}/`;
    const names = ['plain.ts', 'a b+c=频.ts', '100%.ts', 'x/y#z.ts'].map((name) => folder + name);
    for (const name of names) {
      const content = Buffer.from(`bytes of ${name}`);
      assert.strictEqual((await own.put(name, content)).res.status, 200);
      assert.deepStrictEqual((await own.get(name)).content, content);
      const head = await own.head(name);
      assert.strictEqual(Number(head.res.headers['content-length']), content.length);
      const part = await own.get(name, { headers: { Range: 'bytes=2-5' } });
      assert.strictEqual(part.res.status, 206);
      assert.strictEqual(part.content.toString(), 'tes ');
    }
    const found = [];
    let token;
    do {
      const page = await own.listV2({ prefix: folder, 'max-keys': 2, 'continuation-token': token });
      found.push(...(page.objects || []).map((one) => one.name));
      token = page.nextContinuationToken;
    } while (token);
    assert.deepStrictEqual(found, [...names].sort());
    await refused('SignatureDoesNotMatch', stranger.get(names[0]));
    await refused('SignatureDoesNotMatch', stranger.put(names[0], Buffer.from('no')));
    await refused('SignatureDoesNotMatch', stranger.listV2({ prefix: folder }));
    await refused('NoSuchKey', own.get(`${folder}nobody`));
    const large = `${folder}parts/a b+c=频.ts`;
    const data = Buffer.alloc(250 * 1024, 'parts');
    const sent = await own.multipartUpload(large, data, { partSize: 100 * 1024, parallel: 2, headers: { 'x-oss-storage-class': 'IA' } });
    assert(sent.etag.replaceAll('"', '').endsWith('-3'), sent.etag);
    const kept = await own.get(large);
    assert(kept.content.equals(data));
    assert.strictEqual(kept.res.headers['x-oss-storage-class'], 'IA');
    await own.delete(names[0]);
    await refused('NoSuchKey', own.head(names[0]));
  }
  console.log('judged by ali-oss', require('ali-oss/package.json').version);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
