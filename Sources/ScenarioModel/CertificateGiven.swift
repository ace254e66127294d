import SansIO
import SecureTransport

extension Scenario {
  /// A certificate as a scenario wishes it: as it should be, or with something wrong.
  public struct CertificateGiven: Sendable, Hashable {
    /// The word by which the scenario calls it, which is the common name of its subject unless another is given; nil for one that stands
    /// at its member.
    public var word: String?
    /// Each as `sip:` URI and as dNSName.
    public var names: [String] = []
    public var uris: [String] = []
    public var dnsNames: [String] = []
    public var addresses: [IPAddress] = []
    public var commonName: String?
    /// Its time is over.
    public var isExpired = false
    /// Its time has not come.
    public var isNotYetValid = false
    /// Signed by an authority that nobody on stage knows.
    public var isUntrusted = false
    public var key = CertificateRequest.Key.ec
    public var chain = CertificateChainForm.leaf
    public var purpose = CertificateRequest.Purpose.both
    /// Certificates and key as they are written, instead of all the rest.
    public var pem: PEM?

    public init() {}

    private var namesSomething: Bool {
      !names.isEmpty || !uris.isEmpty || !dnsNames.isEmpty || !addresses.isEmpty || commonName != nil
    }

    /// What an authority is asked for. One that names nothing is for the domain and the addresses of the cast.
    public func request(domain: String, addresses standard: [IPAddress]) -> CertificateRequest {
      var request =
        namesSomething
        ? CertificateRequest(
          commonName: names.first ?? "lab", sipDomains: names + uris, dnsNames: names + dnsNames, addresses: addresses)
        : CertificateRequest(names: [domain], addresses: standard)
      if let commonName = commonName ?? word { request.commonName = commonName }
      if isExpired { request.validDays = -400 ..< -1 }
      if isNotYetValid { request.validDays = 30..<400 }
      (request.key, request.chain, request.purpose) = (key, chain, purpose)
      return request
    }

    /// The common name that its subject has where the word gives it.
    public var subject: String? { commonName ?? word }
  }
}
