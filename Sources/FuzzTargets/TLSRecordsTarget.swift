import SansIO
import SecureTransport
import WireReader

/// A conversation over TLS, one piece of which is changed on its way: what arrives is what was sent or nothing, at the ends and at a reader
/// of captures that has the secrets.
///
/// The input: a byte that chooses the version and the kind of change, one that chooses the piece, and the change (``Damage``).
enum TLSRecordsTarget {
  private struct Lab: Sendable {
    var client: TLSContext
    var servers: [TLSContext]
  }

  private static let lab: Lab? = {
    guard let made = try? LabCertificates.make(names: ["pbx.example"], addresses: [], entropy: Entropy(seed: 1), epoch: .virtual) else {
      return nil
    }
    func server(_ version: TLSVersion) -> TLSContext? {
      try? TLSContext(
        TLSConfiguration(
          role: .server, certificateChain: made.certificate, privateKey: made.privateKey, minimumVersion: version, maximumVersion: version))
    }
    guard let old = server(.tls12), let new = server(.tls13),
      let client = try? TLSContext(TLSConfiguration(role: .client, trustAnchors: made.authority, verification: .peer))
    else { return nil }
    return Lab(client: client, servers: [old, new])
  }()

  static func run(_ input: [UInt8]) {
    guard input.count > 2 else { return }
    guard let lab else { return hold(false, "the lab's certificates make contexts") }
    let conversation = Conversation(lab.client, lab.servers[Int(input[0] & 1)], victim: Int(input[1] & 7), Damage(input))
    conversation.run()
    conversation.check()
    conversation.read()
  }

  /// Client and server, and all that crossed between them as it arrived.
  private final class Conversation {
    private static let request = [UInt8]("OPTIONS sip:pbx.example SIP/2.0\r\n\r\n".utf8)
    private static let response = [UInt8]("SIP/2.0 200 OK\r\n\r\n".utf8)
    private let ends: [TLSConnection]
    private let victim: Int
    private let damage: Damage
    private var pieces = 0
    private var queue: [(toServer: Bool, bytes: Bytes)] = []
    private var crossed: [(toServer: Bool, bytes: Bytes)] = []
    private var plaintext: [[UInt8]] = [[], []]
    private var secrets: [String] = []

    init(_ client: TLSContext, _ server: TLSContext, victim: Int, _ damage: Damage) {
      self.victim = victim
      self.damage = damage
      ends = [
        TLSConnection(client, serverName: "pbx.example", entropy: Entropy(seed: 1).fork("client"), epoch: .virtual),
        TLSConnection(server, serverName: nil, entropy: Entropy(seed: 1).fork("server"), epoch: .virtual),
      ]
    }

    func run() {
      for end in [1, 0] { take(ends[end].start(at: .zero), of: end) }
      settle()
      take(ends[0].send(Bytes(Self.request), at: .zero), of: 0)
      settle()
      take(ends[1].send(Bytes(Self.response), at: .zero), of: 1)
      settle()
      for end in [0, 1] { take(ends[end].close(at: .zero), of: end) }
      settle()
      for end in [0, 1] { take(ends[end].endOfStream(at: .zero), of: end) }
    }

    private func settle() {
      while !queue.isEmpty {
        let piece = queue.removeFirst()
        crossed.append(piece)
        let end = piece.toServer ? 1 : 0
        take(ends[end].receive(piece.bytes, at: .zero), of: end)
      }
    }

    private func take(_ outputs: [TLSConnection.Output], of end: Int) {
      for (place, output) in outputs.enumerated() {
        switch output {
        case .ciphertext(let bytes, _):
          for changed in pieces == victim ? damage.apply(bytes) : [bytes] { queue.append((end == 0, changed)) }
          pieces += 1
        case .plaintext(let bytes): plaintext[end] += bytes.array
        case .secret(let line): secrets.append(line.line)
        case .failed: hold(place == outputs.count - 1, "nothing follows a failure")
        case .established, .closedByPeer: break
        }
      }
    }

    func check() {
      hold(Self.request.starts(with: plaintext[1]), "the server reads what the client wrote")
      hold(Self.response.starts(with: plaintext[0]), "the client reads what the server wrote")
      for end in [0, 1] {
        hold(ends[end].receive("\u{16}", at: .zero).isEmpty && ends[end].send("x", at: .zero).isEmpty, "a closed end is silent")
      }
    }

    /// The same from outside.
    func read() {
      let log = KeyLog()
      for line in secrets { log.add(Bytes(line)) }
      let (client, server) = (TransportAddress(.anyV4, port: 40_000), TransportAddress(.anyV4, port: 5_061))
      let observer = TLSObserver(client: client, server: server, first: FrameStamp(frame: 1, time: 0), keyLog: log)
      var read: [[UInt8]] = [[], []]
      for piece in crossed {
        for case .plaintext(let bytes) in observer.take(piece.bytes, fromClient: piece.toServer) {
          read[piece.toServer ? 1 : 0] += bytes.array
        }
      }
      observer.finish()
      hold(Self.request.starts(with: read[1]) && Self.response.starts(with: read[0]), "a reader reads what was written")
    }
  }
}

/// What befalls a piece of a conversation, made of the input from its third byte on.
///
/// By the second bit of the first byte: other bytes that come before the piece, or changes of three bytes each, a place (the lower byte
/// first) and what is XORed there; 0 cuts the piece at the place. By the third bit the piece comes twice.
struct Damage {
  private let isForeign: Bool
  private let isDoubled: Bool
  let bytes: ArraySlice<UInt8>

  init(_ input: [UInt8]) {
    isForeign = input[0] & 2 != 0
    isDoubled = input[0] & 4 != 0
    bytes = input.dropFirst(2)
  }

  func apply(_ piece: Bytes) -> [Bytes] {
    let copies = Array(repeating: piece, count: isDoubled ? 2 : 1)
    if isForeign { return [Bytes(Array(bytes))] + copies }
    var changed = piece.array
    var rest = bytes
    while rest.count >= 3 {
      let change = Array(rest.prefix(3))
      rest = rest.dropFirst(3)
      let place = Int(change[0]) + Int(change[1]) * 256
      guard place < changed.count else { continue }
      if change[2] == 0 { changed.removeSubrange(place...) } else { changed[place] ^= change[2] }
    }
    return [Bytes(changed)] + copies.dropFirst()
  }
}
