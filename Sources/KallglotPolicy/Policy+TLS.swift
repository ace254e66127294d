// TLS under SIP as the policy has it (contract 8.7, 8.8).
extension Policy {
  /// A version that may be agreed on. What is older gets an alert and no SIP (contract 8.1, step 2; RFC 8996).
  public enum TLSVersion: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case tls12 = "1.2"
    case tls13 = "1.3"

    public static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.rawValue < right.rawValue }
  }

  /// Whether peers that connect have to prove who they are, and as whom (RFC 5922 §7.4).
  public struct ClientCertificate: Hashable, Sendable {
    public enum Use: String, Hashable, Sendable, Codable, CaseIterable {
      /// None is asked for.
      case off
      /// One that is shown has to be right.
      case optional
      case required
    }

    public var use: Use
    /// The SIP domains of which it has to name one; empty = any domain.
    public var names: [String]

    public init(_ use: Use, names: [String] = []) {
      self.use = use
      self.names = names
    }
  }

  /// What `*` stands for in a peer's certificate.
  public enum WildcardNames: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing (RFC 5922 §7.2).
    case none
    /// The first label of a dNSName, as in `*.example.com` (RFC 9525 §6.3).
    case oneLevel
  }

  /// A certificate that is shown to those who ask for its names.
  public struct Certificate: Hashable, Sendable {
    /// In a scenario the word by which it is given, in `serve` the name for which it is shown.
    public var name: String
    /// PEM files of the certificate with its intermediates and of its key; nil in a scenario.
    public var files: Files?

    public struct Files: Hashable, Sendable {
      public var chain: String
      public var key: String

      public init(chain: String, key: String) {
        self.chain = chain
        self.key = key
      }
    }

    public init(name: String, files: Files? = nil) {
      self.name = name
      self.files = files
    }
  }

  /// What a change of the policy does to TLS; connections that are there keep what they were made with.
  public struct TLS: Hashable, Sendable {
    /// Without a gap between them, at least one.
    public var versions: [TLSVersion] = [.tls12, .tls13]
    public var clientCertificate = ClientCertificate(.off)
    public var wildcardNames: WildcardNames = .none
    /// The first is also for those who ask for no name, or for none of these; empty = the one that the endpoint was made with.
    public var certificates: [Certificate] = []

    public init() {}
  }
}
