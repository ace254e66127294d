import KallglotPolicy
import SansIO
import Testing

@Suite struct PolicyTests {
  @Test func `a new account has the defaults of contract 8.7, and production is TLS, SRTP and a list`() throws {
    let standard = Policy.standard
    #expect(Set(standard.transports) == [.tls, .tcp, .udp] && !standard.requireTLS && !standard.requireSRTP && standard.allow.isEmpty)
    #expect(standard.codecs == [.opus, .g722, .pcmu, .pcma])
    #expect((standard.maxConcurrentCalls, standard.capReachedStatus, standard.referStatus) == (10, 486, 405))
    #expect(standard.mediaPorts == 20_000...20_100 && standard.rtpTimeout == .seconds(60) && standard.byeGrace == .zero)
    #expect(standard.maxCallDuration == nil && standard.inboundFirst && !standard.anyDomain && standard.authentication == .digest)
    let production = Policy.production(allow: [try #require(AddressRange("192.0.2.0/24"))])
    #expect(production.transports == [.tls] && production.requireTLS && production.requireSRTP && !production.allow.isEmpty)
  }

  @Test func `an empty allowlist lets everybody pass, another one those in its ranges (contract 8.1)`() throws {
    let (inside, outside) = (try #require(IPAddress("192.0.2.7")), try #require(IPAddress("198.51.100.7")))
    var policy = Policy.standard
    #expect(policy.allows(inside) && policy.allows(outside))
    policy.allow = [try #require(AddressRange("192.0.2.0/24"))]
    #expect(policy.allows(inside) && !policy.allows(outside))
  }
}
