import SansIO
import SecureTransport

/// The keys of a certificate, at a member or in `given:`.
enum CertificateKeys {
  static let given = Key.optional("given", .givenCertificate, "One of `given: certificates`, by its word.")
  static let names = Key.optional(
    "names", .oneOrMore(.text),
    "What it is for, each as `sip:` URI and as dNSName. Without any name it is for the endpoint's domain and all addresses of the cast.")
  static let uris = Key.optional("uris", .oneOrMore(.text), "Domains that it names as `sip:` URIs alone.")
  static let dnsNames = Key.optional("dnsNames", .oneOrMore(.text), "Domains that it names as dNSName alone, such as `*.example.com`.")
  static let addresses = Key.optional("addresses", .oneOrMore(.address), "Addresses that it names.")
  static let commonName = Key.optional(
    "commonName", .text, "The common name of its subject: all that it names where nothing else is given; the word of `given` when missing.")
  static let expired = Key.standard("expired", .flag, "false", "Its time is over.")
  static let notYetValid = Key.standard("notYetValid", .flag, "false", "Its time has not come.")
  static let untrusted = Key.standard("untrusted", .flag, "false", "It is signed by an authority that nobody trusts.")
  static let key = Key.standard("key", .words([("ec", CertificateRequest.Key.ec), ("rsa", .rsa)]), "ec", "Its key: P-256, or RSA.")
  static let chain = Key.standard(
    "chain", ValueType<CertificateChainForm>.word, "leaf",
    "Who signed it, and what is shown of the way there: `leaf` = the root itself; `full` = an intermediate, which is shown; "
      + "`missing-intermediate`; `wrong-order` = leaf, root, intermediate; `extra` = a stranger's certificate at the end; `cross-signed` = "
      + "below a root that another one signed; `self-signed`.")
  static let purpose = Key.standard(
    "purpose", ValueType<CertificateRequest.Purpose>.word, "both", "What it may be used for (RFC 5280 §4.2.1.12).")
  static let pem = Key.optional("pem", .pem, "Certificates and key as text, instead of all other keys.")

  static let own: [any DescribedField] = [
    names, uris, dnsNames, addresses, commonName, expired, notYetValid, untrusted, key, chain, purpose, pem,
  ]
  /// In `given:`.
  static let givenShape = MappingShape(own)
  /// At a member.
  static let shape = MappingShape([given] + own, bare: given.description.name)
}

extension ValueType where Value == Scenario.CertificateGiven {
  /// At a member: one of its own, or a word.
  static var certificate: ValueType {
    ValueType(.mapping(CertificateKeys.shape)) { (place, scope) throws(SourceProblem) in
      let fields = try place.fields(CertificateKeys.shape, scope)
      guard let given = try fields[CertificateKeys.given] else { return try Value(fields) }
      if place.isMapping, try place.pairs().count > 1 {
        throw place.problem("'given' names a whole certificate: no other key goes with it")
      }
      return given
    }
  }

  static var certificateOfGiven: ValueType {
    ValueType(.mapping(CertificateKeys.givenShape)) { (place, scope) throws(SourceProblem) in
      try Value(try place.fields(CertificateKeys.givenShape, scope))
    }
  }

  /// The word of one that is given.
  static var givenCertificate: ValueType {
    ValueType(.name(.certificate)) { (place, scope) throws(SourceProblem) in
      let given = try place.word(scope.scenario.certificates.map { ($0.word ?? "", $0) })
      scope.notes.use(.certificate, given.word ?? "")
      return given
    }
  }
}

extension Scenario.Member {
  /// What it shows and agrees on under SIP, and what it does about SRTP.
  mutating func readSecurity(_ fields: FieldSet) throws(SourceProblem) {
    certificate = try fields[CastKeys.certificate]
    (versions, suites) = (try fields[CastKeys.versions], try fields[CastKeys.suites])
    (srtp, setup, rtcpMux) = (try fields[CastKeys.srtp], try fields[CastKeys.setup], try fields[CastKeys.rtcpMux])
    (rekey, firstSequence) = (try fields[CastKeys.rekey], try fields[CastKeys.firstSequence].map { UInt16($0) })
    (jitterBuffer, voipMetrics) = (try fields[CastKeys.jitterBuffer], try fields[CastKeys.voipMetrics])
  }
}

extension Scenario.CertificateGiven {
  fileprivate init(_ fields: FieldSet) throws(SourceProblem) {
    self.init()
    pem = try fields[CertificateKeys.pem]
    if pem != nil, try fields.place.pairs().count > 1 {
      throw fields.place.problem("'pem' is a whole certificate: no other key goes with it")
    }
    (names, uris) = (try fields[CertificateKeys.names] ?? [], try fields[CertificateKeys.uris] ?? [])
    (dnsNames, addresses) = (try fields[CertificateKeys.dnsNames] ?? [], try fields[CertificateKeys.addresses] ?? [])
    commonName = try fields[CertificateKeys.commonName]
    (isExpired, isNotYetValid) = (try fields[CertificateKeys.expired], try fields[CertificateKeys.notYetValid])
    isUntrusted = try fields[CertificateKeys.untrusted]
    (key, chain, purpose) = (try fields[CertificateKeys.key], try fields[CertificateKeys.chain], try fields[CertificateKeys.purpose])
    if isExpired, isNotYetValid { throw fields.place.problem("a certificate is either expired or not valid yet") }
  }
}

extension ValueType where Value == PEM {
  /// Certificates and their key; what does not parse is named by its line in the file.
  static var pem: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      let pem = PEM(try place.text())
      do throws(PEMMistake) {
        try pem.checkPair(with: pem)
        return pem
      } catch {
        // A block scalar begins on the line behind its '|'.
        var node = place.node
        node.line += node.isPlain ? 0 : error.line
        throw NodeReader(node: node, path: place.path).problem(error.reason)
      }
    }
  }
}

extension ValueType where Value == ClosedRange<TLSVersion> {
  /// Versions without a gap between them.
  static var tlsVersions: ValueType {
    let list = ValueType<[TLSVersion]>.oneOrMore(.words(TLSVersion.allCases.map { ($0.number, $0) }))
    return ValueType(list.shape) { (place, scope) throws(SourceProblem) in
      let versions = try list.read(place, scope).sorted()
      guard let first = versions.first, let last = versions.last else { throw place.problem("expected at least one TLS version") }
      let missing = TLSVersion.allCases.first { first < $0 && $0 < last && !versions.contains($0) }
      if let missing { throw place.problem("there is a gap: \(missing.number) is missing between \(first.number) and \(last.number)") }
      return first...last
    }
  }
}

extension TLSVersion {
  /// As it is written in a file.
  var number: String { String(description.dropFirst("TLS ".count)) }
}
