import LiveNetwork
import SIPTransport
import SansIO
import ScenarioModel
import SecureTransport

/// By what a peer knows a served endpoint: the account it logs in with, and the authority that it trusts.
public struct ServeIdentity: Sendable {
  public var account: ServeConfiguration.AccountGiven
  /// Vouches for our TLS certificate; nil where none listens on TLS or a certificate was configured.
  public var authority: LabAuthority?
  /// A certificate of that authority for the PBX, with its key, so that it can be called over TLS.
  public var pbx: CertifiedKey?

  public init(account: ServeConfiguration.AccountGiven, authority: LabAuthority? = nil, pbx: CertifiedKey? = nil) {
    self.account = account
    self.authority = authority
    self.pbx = pbx
  }

  /// One that nobody keeps, for a run whose peers are told of it.
  public static func fresh(epoch: Epoch = LiveClock().epoch) throws(TLSError) -> ServeIdentity {
    let state = try ServeState(epoch: epoch)
    let authority = try LabAuthority(certificate: state.authority.certificate, privateKey: state.authority.privateKey, epoch: epoch)
    return ServeIdentity(account: state.account, authority: authority, pbx: state.pbx)
  }

  /// What the configuration names; for the rest, what the state file keeps, which is made when it is missing.
  ///
  /// - Parameters:
  ///   - stateFile: nil = ``StateFile/standardPath(environment:)``.
  ///   - epoch: the day from which a fresh authority is valid.
  public static func read(
    _ configuration: ServeConfiguration, stateFile: String?, environment: [String: String], epoch: Epoch = LiveClock().epoch
  ) throws(LiveFailure) -> ServeIdentity {
    let needsAuthority = configuration.listeners.contains { $0.transport == .tls } && configuration.certificate == nil
    if let account = configuration.account, !needsAuthority { return ServeIdentity(account: account) }
    let path = if let stateFile { stateFile } else { try StateFile.standardPath(environment: environment) }
    let state = try StateFile.open(path, epoch: epoch)
    guard needsAuthority else { return ServeIdentity(account: configuration.account ?? state.account) }
    do throws(TLSError) {
      let authority = try LabAuthority(
        certificate: state.authority.certificate, privateKey: state.authority.privateKey, epoch: epoch)
      return ServeIdentity(account: configuration.account ?? state.account, authority: authority, pbx: state.pbx)
    } catch {
      throw LiveFailure("the state file \(path) is damaged: \(error); \(StateFile.remedy)")
    }
  }
}

/// A certificate and its key.
public struct CertifiedKey: Hashable, Sendable {
  public var certificate: PEM
  public var privateKey: PEM

  public init(certificate: PEM, privateKey: PEM) {
    self.certificate = certificate
    self.privateKey = privateKey
  }
}
