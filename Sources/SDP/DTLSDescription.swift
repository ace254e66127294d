import SansIO
import SecureTransport

/// Who opens the DTLS association of a stream: `a=setup` (RFC 4145 §4, RFC 5763 §5).
public enum DTLSSetup: String, Hashable, Sendable, CaseIterable {
  case active
  case passive
  /// The other side decides.
  case actpass
  /// Nobody, for now.
  case holdconn

  var name: StaticString {
    switch self {
    case .active: "active"
    case .passive: "passive"
    case .actpass: "actpass"
    case .holdconn: "holdconn"
    }
  }
}

/// What one description says of the DTLS association of a stream (RFC 8122 §5, RFC 8842 §5).
public struct DTLSDescription: Hashable, Sendable {
  /// Of certificates; any of them will be shown.
  public var fingerprints: [CertificateFingerprint]
  /// nil: the attribute has another value.
  public var setup: DTLSSetup?
  /// `a=tls-id`: another one means another association (RFC 8842 §4).
  public var tlsID: String?
}

extension MediaDescription {
  /// What is said of DTLS; nil without a fingerprint, which the session may have for all its streams (RFC 8122 §5).
  ///
  /// - Parameter isAnswer: whose `a=setup` says passive where it is missing, as an offer's says active (RFC 4145 §4).
  public func dtls(isAnswer: Bool) -> DTLSDescription? {
    let fingerprints = fingerprintLines.compactMap { CertificateFingerprint($0.text) }
    guard !fingerprints.isEmpty else { return nil }
    let setup = first(.setup).map { DTLSSetup(rawValue: $0.text) } ?? (isAnswer ? .passive : .active)
    return DTLSDescription(fingerprints: fingerprints, setup: setup, tlsID: first(.tlsID).map(\.text))
  }

  /// What comes behind `a=fingerprint:`, line by line: of the stream, else of the session.
  public var fingerprintLines: [Bytes] {
    let own = values(of: .fingerprint, in: lines)
    return own.isEmpty ? values(of: .fingerprint, in: description.sessionLines) : own
  }

  /// What comes behind `a=setup:`, of the stream, else of the session.
  public var setupText: String? { first(.setup).map(\.text) }

  /// Whether there is a line `a=fingerprint`, of the stream or of the session.
  var hasFingerprint: Bool { first(.fingerprint) != nil }

  /// RTP and RTCP take turns on one port (RFC 5761 §5.1.1).
  public var isMultiplexed: Bool { description.first(.rtcpMux, in: lines) != nil }

  /// The value of an attribute of the stream, else of the session.
  private func first(_ attribute: Attribute) -> Bytes? {
    let line = description.first(attribute, in: lines) ?? description.first(attribute, in: description.sessionLines)
    return line.map { Self.trimmed(description.bytes[$0.attributeValue]) }
  }

  private func values(of attribute: Attribute, in lines: Range<Int>) -> [Bytes] {
    lines.compactMap { line in
      let line = description.lines[line]
      return line.attribute == attribute ? Self.trimmed(description.bytes[line.attributeValue]) : nil
    }
  }

  /// Without blanks at its end, which harm nobody.
  private static func trimmed(_ value: Bytes) -> Bytes {
    var end = value.count
    while end > 0, value[end - 1] == 0x20 || value[end - 1] == 0x09 { end -= 1 }
    return end == value.count ? value : value[0..<end]
  }
}

/// The DTLS association that both sides agreed on for a stream (RFC 5763 §5).
public final class AgreedAssociation: Sendable {
  /// Counted in a session from 1 on: another number is another handshake.
  public let number: Int
  /// Ours.
  public let role: DTLSConnection.Role
  /// What the peer's certificate has to have one of.
  public let fingerprints: [CertificateFingerprint]
  let tlsID: String?
  /// Between which places.
  let path: Path

  struct Path: Hashable, Sendable {
    var local: TransportAddress
    var remote: TransportAddress
  }

  init(number: Int, role: DTLSConnection.Role, _ theirs: DTLSDescription, on path: Path) {
    (self.number, self.role, self.path) = (number, role, path)
    (fingerprints, tlsID) = (theirs.fingerprints, theirs.tlsID)
  }

  /// Whether the peer still shows the same certificate for the same association (RFC 8842 §4), on the way that it has. Media that goes
  /// nowhere, as on hold, has no other way.
  func goesOn(_ theirs: DTLSDescription, on path: Path) -> Bool {
    let isNowhere = path.remote.port == 0 || path.remote.address.isUnspecified
    return Set(fingerprints) == Set(theirs.fingerprints) && tlsID == theirs.tlsID && path.local == self.path.local
      && (isNowhere || path.remote == self.path.remote)
  }
}

extension AgreedAssociation: Hashable {
  public static func == (one: AgreedAssociation, other: AgreedAssociation) -> Bool {
    one === other
      || one.number == other.number && one.role == other.role && one.fingerprints == other.fingerprints && one.tlsID == other.tlsID
        && one.path == other.path
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(number)
    hasher.combine(fingerprints)
  }
}

/// The associations of one session, one after the other: a new one only with another certificate, transport or role (RFC 8842 §4).
struct DTLSAssociations: Hashable, Sendable {
  private var count = 0

  /// What an answer of ours says to `a=setup` of an offer; nil: there is nothing to say.
  ///
  /// - Parameters:
  ///   - last: what held before, where the offer changes nothing of it: roles stay (RFC 8842 §5.3).
  ///   - wish: `passive`, or anything else to open the association ourselves (contract 8.5).
  func role(answering setup: DTLSSetup?, last: AgreedAssociation?, wish: DTLSSetup) -> DTLSConnection.Role? {
    switch setup {
    case .active: .passive
    case .passive: .active
    case .actpass: last?.role ?? (wish == .passive ? .passive : .active)
    case .holdconn, nil: nil
    }
  }

  /// What an answer makes of our role; nil: it is not a lawful answer (RFC 5763 §5).
  func role(offering ours: DTLSSetup, answered theirs: DTLSSetup?) -> DTLSConnection.Role? {
    switch (ours, theirs) {
    case (.actpass, .active), (.passive, .active): .passive
    case (.actpass, .passive), (.active, .passive): .active
    case (.active, .active), (.passive, .passive), (.holdconn, _), (_, .actpass), (_, .holdconn), (_, nil): nil
    }
  }

  /// The association that goes on, or the next one.
  ///
  /// - Parameter last: the one before, if it may go on (``AgreedAssociation/goesOn(_:on:)``).
  mutating func agree(
    _ theirs: DTLSDescription, _ role: DTLSConnection.Role, last: AgreedAssociation?, on path: AgreedAssociation.Path
  ) -> AgreedAssociation {
    if let last, last.role == role { return last }
    count += 1
    return AgreedAssociation(number: count, role: role, theirs, on: path)
  }
}
