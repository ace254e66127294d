import COpenSSL
import CVirtualTime
import SansIO
import Testing

@testable import SecureTransport

/// That the shared libraries really take their time and randomness from us, in whatever executable this is linked into.
@Suite struct VirtualTimeTests {
  private let epoch = Epoch(unixSeconds: 1_000_000_000)

  @Test func `libssl's time() is virtual inside a scope and real outside`() throws {
    let endpoint = Endpoint(Entropy(seed: 1), epoch: epoch)
    func sessionTime() -> Int {
      let session = SSL_SESSION_new()
      defer { SSL_SESSION_free(session) }
      return SSL_SESSION_get_time(session)
    }
    #expect(endpoint.run(at: Instant(nanoseconds: 5_900_000_000)) { sessionTime() } == 1_000_000_005)
    #expect(sessionTime() > 1_700_000_000)
  }

  @Test func `libcrypto's time() is virtual inside a scope and real outside`() throws {
    let endpoint = Endpoint(Entropy(seed: 1), epoch: epoch)
    let reference = ASN1_TIME_set(nil, 1_000_000_060)
    defer { ASN1_STRING_free(reference) }
    func isPast() -> Bool { X509_cmp_current_time(reference) < 0 }
    #expect(!endpoint.run(at: Instant(nanoseconds: 59_000_000_000)) { isPast() })
    #expect(endpoint.run(at: Instant(nanoseconds: 61_000_000_000)) { isPast() })
    #expect(isPast())
  }

  @Test func `libssl's gettimeofday() is virtual: a DTLS timer runs on it (RFC 6347 §4.2.4)`() throws {
    let endpoint = Endpoint(Entropy(seed: 1), epoch: epoch)
    let context = try #require(SSL_CTX_new(DTLS_client_method()))
    let connection = try #require(SSL_new(context))
    defer {
      SSL_free(connection)
      SSL_CTX_free(context)
    }
    SSL_set_bio(connection, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
    SSL_set_connect_state(connection)
    _ = endpoint.run(at: .zero) { SSL_do_handshake(connection) }
    func remaining(at milliseconds: Int64) -> Int {
      endpoint.run(at: Instant(nanoseconds: milliseconds * 1_000_000)) {
        var remaining = timeval()
        return cdtlsv1_get_timeout(connection, &remaining) == 1 ? Int(remaining.tv_sec) * 1_000 + Int(remaining.tv_usec) / 1_000 : -1
      }
    }
    #expect(remaining(at: 0) == 1_000)
    #expect(remaining(at: 400) == 600)
    #expect(remaining(at: 5_000) == 0)
  }

  @Test func `time before 1970 is rounded down`() {
    let endpoint = Endpoint(Entropy(seed: 1), epoch: Epoch(unixSeconds: 0))
    let time = endpoint.run(at: Instant(nanoseconds: -500_000_000)) {
      let session = SSL_SESSION_new()
      defer { SSL_SESSION_free(session) }
      return SSL_SESSION_get_time(session)
    }
    #expect(time == -1)
  }

  @Test func `the generator is ChaCha20 with a zero nonce (RFC 8439 §2.3, §2.4)`() {
    let key = (0..<32).map { UInt8($0) }
    let endpoint = Endpoint(key: key, epoch: epoch)
    var drawn = [UInt8](repeating: 0, count: 200)
    // In pieces, as OpenSSL draws.
    endpoint.run(at: .zero) {
      drawn.withUnsafeMutableBufferPointer { buffer in
        var offset = 0
        for count in [1, 31, 32, 64, 3, 69] {
          #expect(RAND_bytes(buffer.baseAddress.map { $0 + offset }, Int32(count)) == 1)
          offset += count
        }
      }
    }
    var expected = [UInt8](repeating: 0, count: 200)
    let cipher = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(cipher) }
    var count: Int32 = 0
    EVP_EncryptInit_ex(cipher, EVP_chacha20(), nil, key, [UInt8](repeating: 0, count: 16))
    EVP_EncryptUpdate(cipher, &expected, &count, [UInt8](repeating: 0, count: 200), 200)
    #expect(drawn == expected)
  }

  @Test func `a large draw leaves the small ones as they are, so that blinding an RSA key shows in nothing else`() {
    func drawn(_ counts: [Int]) -> [[UInt8]] {
      let endpoint = Endpoint(key: [UInt8](repeating: 3, count: 32), epoch: epoch)
      return endpoint.run(at: .zero) {
        counts.map { count in
          var bytes = [UInt8](repeating: 0, count: count)
          #expect(RAND_bytes(&bytes, Int32(count)) == 1)
          return bytes
        }
      }
    }
    let (plain, mixed) = (drawn([32, 127, 40]), drawn([32, 128, 127, 256, 40]))
    #expect([mixed[0], mixed[2], mixed[4]] == plain)
    #expect(Array(mixed[1].prefix(64)) != Array((plain[0] + plain[1]).prefix(64)))
    #expect(mixed[1] != Array(mixed[3].prefix(128)))
  }

  @Test func `outside of a scope nothing is drawn from a seed`() {
    var bytes = [UInt8](repeating: 7, count: 8)
    #expect(virtual_random_fill(&bytes, 8) == 0)
    #expect(bytes == [UInt8](repeating: 7, count: 8))
    var other = bytes
    #expect(RAND_bytes(&bytes, 8) == 1)
    #expect(RAND_bytes(&other, 8) == 1)
    #expect(bytes != other)
  }
}
