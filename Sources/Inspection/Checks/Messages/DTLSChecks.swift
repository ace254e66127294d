import Rules
import SDP
import SansIO
import WireReader

/// A stream whose keys come from DTLS alone names the certificate that will be shown (RFC 5763 §5).
struct FingerprintLines: MessageCheck {
  var rule: Rule { .fingerprintMissing }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard let description = message.description else { return [] }
    return description.media.compactMap { media in
      guard media.port != 0, media.isRTP else { return nil }
      guard let first = media.fingerprints.first else {
        guard media.profile.contains("TLS") else { return nil }
        return Remark(
          rule, "\(message.title) has m=\(media.kind) over \(media.profile) without a fingerprint", message.stamp, by: message.source)
      }
      guard let fault = Self.fault(first), media.fingerprints.allSatisfy({ Self.fault($0) != nil }) else { return nil }
      return Remark(
        rule.severity, "RFC 8122 §5", "\(message.title) has a fingerprint that cannot be used: \(fault)", message.stamp,
        by: message.source)
    }
  }

  /// What breaks the grammar; nil where nothing does.
  static func fault(_ line: String) -> String? {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2, !words[0].isEmpty else { return "it is not a hash function and a digest with one space between them" }
    let pairs = words[1].split(separator: ":", omittingEmptySubsequences: false)
    guard pairs.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) }) else {
      return "its digest is not pairs of hexadecimal digits with colons between them"
    }
    let lengths = ["md5": 16, "md2": 16, "sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64]
    guard let length = lengths[words[0].lowercased()], length != pairs.count else { return nil }
    return "the length in bytes of a digest of \(words[0].lowercased()) is \(length), of this one \(pairs.count)"
  }
}

/// An answer takes the part that the offer leaves (RFC 5763 §5, RFC 4145 §4).
struct AnswerTakesRole: DialogCheck {
  var rule: Rule { .dtlsSetup }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.agreements.flatMap { agreement in
      zip(agreement.offer.media, agreement.answer.media).compactMap { offer, answer in
        // Without a fingerprint an offer asks for nothing that an answer could take.
        guard answer.port != 0, offer.port != 0, !offer.fingerprints.isEmpty, !answer.fingerprints.isEmpty, let said = answer.setup
        else { return nil }
        let left = offer.setup ?? "active"
        switch (left, said) {
        case ("actpass", "active"), ("actpass", "passive"), ("active", "passive"), ("passive", "active"), ("holdconn", _): return nil
        // What nobody knows leaves nothing that an answer could miss.
        case _ where !["active", "passive", "actpass"].contains(left): return nil
        default:
          return Remark(
            rule, "the answer says a=setup:\(said) to an offer with a=setup:\(left)", agreement.answer.stamp, by: agreement.answer.owner)
        }
      }
    }
  }
}

/// The certificate of a handshake is one that its owner's description named, in this dialog at some time (RFC 5763 §5).
struct CertificateShown: DialogCheck {
  var rule: Rule { .dtlsFingerprint }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var named: [TransportAddress: Set<String>] = [:]
    var owners: [(place: TransportAddress, owner: TransportAddress)] = []
    for description in story.agreements.flatMap({ [$0.offer, $0.answer] }) {
      for media in description.media where media.port != 0 && !media.fingerprints.isEmpty {
        guard let place = media.address else { continue }
        if named[place] == nil { owners.append((place, description.owner)) }
        for line in media.fingerprints { named[place, default: []].insert(Self.normal(line)) }
      }
    }
    return owners.flatMap { place, owner in
      let lines = named[place] ?? []
      return context.dtls.certificates(of: place).compactMap { Self.remark($0, lines, place, owner) }
    }
  }

  /// Nothing is said where no line has a hash function that is known.
  private static func remark(
    _ certificate: ShownCertificate, _ lines: Set<String>, _ place: TransportAddress, _ owner: TransportAddress
  ) -> Remark? {
    let hashes = Set(lines.compactMap { $0.split(separator: " ").first.map(String.init) }).sorted()
    let shown = hashes.compactMap { certificate.fingerprint($0) }
    guard let first = shown.first, !shown.contains(where: lines.contains) else { return nil }
    return Remark(
      .dtlsFingerprint, "the DTLS handshake from \(place) shows a certificate with the fingerprint \(first), which SDP does not name",
      certificate.stamp, by: owner)
  }

  /// The hash function in lower case and the digits in upper case.
  private static func normal(_ line: String) -> String {
    let words = line.split(separator: " ", maxSplits: 1)
    return words.count == 2 ? "\(words[0].lowercased()) \(words[1].uppercased())" : line
  }
}
