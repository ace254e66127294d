import KallglotPolicy
import SansIO

// Values of the policy's keys for TLS.

extension ValueType where Value == Policy.ClientCertificate {
  /// `required`, or `{ is: required, names: pbx.example.com }`.
  static var clientCertificate: ValueType {
    ValueType(.mapping(ClientCertificateKeys.shape)) { (place, scope) throws(SourceProblem) in
      let fields = try place.fields(ClientCertificateKeys.shape, scope)
      return Policy.ClientCertificate(try fields[ClientCertificateKeys.use], names: try fields[ClientCertificateKeys.names] ?? [])
    }
  }
}

private enum ClientCertificateKeys {
  static let use = Key.required(
    "is", ValueType<Policy.ClientCertificate.Use>.word,
    "`off` = none is asked for; `optional` = one that is shown has to be right; `required`.")
  static let names = Key.optional(
    "names", .oneOrMore(.text), "Domains of which it has to name one (RFC 5922 §7.1); any domain when missing.")
  static let shape = MappingShape([use, names], bare: "is")
}

extension ValueType where Value == Policy.Certificate {
  /// The word of a given one, or in a configuration a name with files.
  static var policyCertificate: ValueType {
    ValueType(.mapping(PolicyCertificateKeys.shape)) { (place, scope) throws(SourceProblem) in
      let fields = try place.fields(PolicyCertificateKeys.shape, scope)
      let name = try fields[PolicyCertificateKeys.name]
      let (chain, key) = (try fields[PolicyCertificateKeys.chain], try fields[PolicyCertificateKeys.key])
      // Only a configuration is read without a scenario.
      guard !scope.scenario.file.isEmpty else {
        guard let chain, let key else { throw place.problem("the certificate for '\(name)' needs 'chain' and 'key', its PEM files") }
        return Policy.Certificate(name: name, files: .init(chain: chain, key: key))
      }
      if let file = fields.place(of: chain == nil ? PolicyCertificateKeys.key : PolicyCertificateKeys.chain) {
        throw file.problem("a scenario names its certificates by words of 'given: certificates', and has no files")
      }
      let written = fields.place(of: PolicyCertificateKeys.name) ?? place
      _ = try ValueType<Scenario.CertificateGiven>.givenCertificate.read(written, scope)
      return Policy.Certificate(name: name)
    }
  }
}

private enum PolicyCertificateKeys {
  static let name = Key.required(
    "name", .text, "In a scenario the word of a given certificate; in a configuration the name for which it is shown.")
  static let chain = Key.optional("chain", .text, "PEM file of the certificate, then its intermediates; in a configuration.")
  static let key = Key.optional("key", .text, "PEM file of its key; in a configuration.")
  static let shape = MappingShape([name, chain, key], bare: "name")
}
