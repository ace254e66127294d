import Personas
import SansIO
import ScenarioModel
import SecureTransport

extension CastTLS {
  /// What a wire member brings to TLS. As a client it takes whatever the peer shows.
  func wire(_ member: Scenario.Member, entropy: Entropy, epoch: Epoch) throws(TLSError) -> WireTLS {
    let versions = TLSVersion.tls12...TLSVersion.tls13
    return WireTLS(
      client: try client(member, versions), server: try server(member, versions), entropy: entropy, epoch: epoch, serverName: Cast.domain)
  }
}
