import SansIO
import SecureTransport

/// `associate: { from: wire, to: kallglot, as: active, certificate: one, expects: "${ok.body.fingerprint}" }`
struct AssociateStep: FieldStep {
  static let keyword = "associate"
  static let summary = """
    A wire member opens a DTLS association at its media port with another member's newest leg, or waits for its handshake, and uses the \
    keys that come of it for SRTP (RFC 5764); where RTCP has a port of its own, because not both descriptions say `a=rtcp-mux`, a second \
    one there (RFC 5764 §4.1). `${fingerprint.NAME}` in the description stands for the fingerprint of the certificate NAME.
    """
  static let examples = ["associate: { from: wire, to: kallglot, as: active, certificate: one, expects: \"sha-256 00:11\" }"]

  private static let from = Key.required("from", .wireMember, "Who opens it; a member with `mediaPort`.")
  private static let to = Key.required("to", .party, "The member of whose stream it is.")
  private static let role = Key.standard(
    "as", .words([("active", true), ("passive", false)]), "active", "Whether it begins the handshake (RFC 5763 §5).")
  private static let certificate = Key.required("certificate", .text, "The name of the certificate that it shows.")
  private static let expects = Key.optional(
    "expects", .template,
    "What stands behind `a=fingerprint:` in the peer's description: `${ok.body.fingerprint}`, which is also meant when "
      + "missing, of the newest message.")
  private static let profiles = Key.optional(
    "profiles", .oneOrMore(ValueType<DTLSProtectionProfile>.profile),
    "The protection profiles that it offers or takes, best first; all "
      + "that the Lab has when missing.")
  private static let mtu = Key.standard(
    "mtu", .integer(DTLSContext.possibleMTU), "\(DTLSContext.standardMTU)",
    "How many octets a datagram of its handshake has at most: longer messages leave in fragments (RFC 6347 §4.2.3).")
  static let mapping = MappingShape([from, to, role, certificate, expects, profiles, mtu])

  private let from: String
  private let to: String
  private let isActive: Bool
  private let certificate: String
  private let expects: MessageTemplate?
  private let profiles: [DTLSProtectionProfile]
  private let mtu: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to, isActive) = (try fields[Self.from], try fields[Self.to], try fields[Self.role])
    (certificate, expects) = (try fields[Self.certificate], try fields[Self.expects])
    profiles = try fields[Self.profiles] ?? DTLSProtectionProfile.preference
    mtu = try fields[Self.mtu]
    if scope.scenario.member(from)?.mediaPort == nil {
      throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) has no 'mediaPort', at which an association could be")
    }
    scope.keyed.append(from)
  }

  var text: String { "\(from) \(isActive ? "opens" : "awaits") a DTLS association with \(to)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.live(to), let agreement = story.audio, story.state != .ended else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(to) has a call with media", observed: "it has none", evidence: script.lastEvidence[to],
          about: .leg(of: to)))
    }
    do throws(MessageTemplate.Missing) {
      let written = if let expects { try expects.part(&script, sender: from) } else { try script.newestFingerprint(of: from) }
      guard let fingerprint = CertificateFingerprint(written) else { throw .init(text: "'\(written)' is not a fingerprint") }
      script.forgetMessages(from)
      let form = AssociationForm(
        isActive: isActive, certificate: try script.dtlsCertificate(certificate), fingerprints: [fingerprint], profiles: profiles,
        isMultiplexed: agreement.isMultiplexed, mtu: mtu)
      script.commands.append(.wire(from, .associate(to: to, port: agreement.local.port, form)))
      return .done
    } catch { return .failed(error.finding(of: from, "a DTLS association", script)) }
  }
}

/// What a wire member brings to a DTLS association.
public struct AssociationForm: Hashable, Sendable {
  public var isActive: Bool
  public var certificate: DTLSCertificate
  public var fingerprints: [CertificateFingerprint]
  public var profiles: [DTLSProtectionProfile]
  /// RTCP has the port of RTP (RFC 5761).
  public var isMultiplexed: Bool
  /// Octets that a datagram of the handshake has at most.
  public var mtu: Int
}

extension Script {
  /// The certificate of a name, the same in the whole run. Nothing but fingerprints vouches for it, so its dates do not matter.
  mutating func dtlsCertificate(_ name: String) throws(MessageTemplate.Missing) -> DTLSCertificate {
    if let known = certificates[name] { return known }
    do throws(TLSError) {
      let made = try DTLSCertificate(commonName: "wire \(name)", entropy: certificateEntropy(name), epoch: .virtual)
      certificates[name] = made
      return made
    } catch { throw .init(text: "the certificate \(name) cannot be made: \(error)") }
  }

  /// As `a=fingerprint` has it.
  mutating func fingerprint(_ name: String) throws(MessageTemplate.Missing) -> String {
    let certificate = try dtlsCertificate(name)
    do throws(TLSError) { return try DTLSContext(certificate).fingerprint().description } catch {
      throw .init(text: "the certificate \(name) cannot be read: \(error)")
    }
  }

  fileprivate func newestFingerprint(of member: String) throws(MessageTemplate.Missing) -> String {
    guard let message = received[member]?.last?.message else { throw .init(text: "\(member) has received no message") }
    guard let value = MessageTemplate.attribute("fingerprint", of: message.body.text) else {
      throw .init(text: "'\(message.startLineText)' has no a=fingerprint")
    }
    return value
  }
}

extension ValueType where Value == DTLSProtectionProfile {
  /// By its registered name (RFC 5764 §4.1.2).
  static var profile: ValueType { .words(DTLSProtectionProfile.preference.map { ("\($0)", $0) }) }
}
