import SansIO

@testable import SecureTransport

/// A client and a server with a wire between them that cuts what it carries into pieces of `chunk` bytes.
final class TLSPair {
  let client: TLSConnection
  let server: TLSConnection
  /// All outputs of each end, in order.
  private(set) var clientOutputs: [TLSConnection.Output] = []
  private(set) var serverOutputs: [TLSConnection.Output] = []
  var now = Instant.zero
  private let chunk: Int
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []

  init(
    client: TLSContext, server: TLSContext, serverName: String? = Lab.name, resuming: TLSTicket? = nil,
    clientEntropy: Entropy = Entropy(seed: 1).fork("client"),
    serverEntropy: Entropy = Entropy(seed: 1).fork("server"), epoch: Epoch = .virtual, chunk: Int = .max
  ) {
    self.client = TLSConnection(client, serverName: serverName, resuming: resuming, entropy: clientEntropy, epoch: epoch)
    self.server = TLSConnection(server, serverName: nil, entropy: serverEntropy, epoch: epoch)
    self.chunk = chunk
  }

  /// Starts both ends and carries bytes until none are under way.
  func handshake() {
    fromServer(server.start(at: now))
    fromClient(client.start(at: now))
    settle()
  }

  func clientSends(_ text: String) {
    fromClient(client.send(Bytes(text), at: now))
    settle()
  }

  func serverSends(_ text: String) {
    fromServer(server.send(Bytes(text), at: now))
    settle()
  }

  func clientCloses() {
    fromClient(client.close(at: now))
    settle()
  }

  func serverCloses() {
    fromServer(server.close(at: now))
    settle()
  }

  func settle() {
    while !toServer.isEmpty || !toClient.isEmpty {
      if !toServer.isEmpty { fromServer(server.receive(cut(&toServer), at: now)) }
      if !toClient.isEmpty { fromClient(client.receive(cut(&toClient), at: now)) }
    }
  }

  private func cut(_ stream: inout [UInt8]) -> Bytes {
    let count = min(chunk, stream.count)
    defer { stream.removeFirst(count) }
    return Bytes(Array(stream.prefix(count)))
  }

  private func fromClient(_ outputs: [TLSConnection.Output]) {
    clientOutputs += outputs
    toServer += outputs.ciphertext
  }

  private func fromServer(_ outputs: [TLSConnection.Output]) {
    serverOutputs += outputs
    toClient += outputs.ciphertext
  }
}

extension [TLSConnection.Output] {
  var ciphertext: [UInt8] {
    flatMap { if case .ciphertext(let bytes, _) = $0 { bytes.array } else { [UInt8]() } }
  }

  var plaintext: String {
    String(decoding: flatMap { if case .plaintext(let bytes) = $0 { bytes.array } else { [UInt8]() } }, as: UTF8.self)
  }
}

extension TLSConnection.Output: EngineOutput {
  var session: TLSSession? { if case .established(let session) = self { session } else { nil } }
  var failure: TLSFailure? { if case .failed(let failure) = self { failure } else { nil } }
  var secret: KeyLogLine? { if case .secret(let line) = self { line } else { nil } }

  var word: String {
    switch self {
    case .ciphertext(_, isHandshake: true): "handshake"
    case .ciphertext: "ciphertext"
    case .plaintext: "plaintext"
    case .established: "established"
    case .secret: "secret"
    case .closedByPeer: "closed by peer"
    case .failed: "failed"
    }
  }
}

/// Certificates that the tests share, and contexts made of them.
enum Lab {
  static let name = "pbx.example"
  // Made once for all tests: without them none can run.
  // swift-format-ignore: NeverUseForceTry
  static let authority = try! LabAuthority(entropy: Entropy(seed: 7), epoch: .virtual)
  // swift-format-ignore: NeverUseForceTry
  static let leaf = try! authority.issue(
    CertificateRequest(commonName: name, sipDomains: [name], dnsNames: [name]), entropy: Entropy(seed: 8))

  static func server(
    _ leaf: (certificate: PEM, privateKey: PEM) = leaf, versions: ClosedRange<TLSVersion> = .tls12 ... .tls13,
    verification: TLSConfiguration.Verification = .none, clientCertificate: TLSConfiguration.ClientCertificate = .off,
    cipherList: String? = nil
  ) throws -> TLSContext {
    try TLSContext(
      TLSConfiguration(
        role: .server, certificateChain: leaf.certificate, privateKey: leaf.privateKey, trustAnchors: authority.certificate,
        minimumVersion: versions.lowerBound, maximumVersion: versions.upperBound, verification: verification,
        clientCertificate: clientCertificate, cipherList: cipherList))
  }

  static func client(
    _ leaf: (certificate: PEM, privateKey: PEM)? = nil, versions: ClosedRange<TLSVersion> = .tls12 ... .tls13,
    verification: TLSConfiguration.Verification = .none, nameRule: TLSConfiguration.NameRule = .sipDomain,
    anchors: PEM = authority.certificate, cipherList: String? = nil
  ) throws -> TLSContext {
    try TLSContext(
      TLSConfiguration(
        role: .client, certificateChain: leaf?.certificate, privateKey: leaf?.privateKey, trustAnchors: anchors,
        minimumVersion: versions.lowerBound, maximumVersion: versions.upperBound, verification: verification, nameRule: nameRule,
        cipherList: cipherList))
  }
}
