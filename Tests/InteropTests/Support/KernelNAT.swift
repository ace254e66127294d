import Foundation
import SansIO
import VirtualNetwork

/// Two namespaces with a router between them, and a talk of three messages.
enum KernelNAT {
  /// What each side received, and from which port outside.
  struct Talk {
    var invite: String?
    var outsidePort: UInt16?
    var ok: String?
    var bye: String?
  }

  /// Why it cannot be tried here.
  static let reason: String? = {
    guard geteuid() == 0 else { return "it needs root" }
    for tool in ["ip", "nft", "python3"] where find(tool) == nil { return "\(tool) is not installed" }
    guard FileManager.default.fileExists(atPath: "/dev/net/tun") else { return "/dev/net/tun is missing" }
    let probe = "ip netns add klprobe && ip netns del klprobe && nft list ruleset > /dev/null"
    return shell(probe).status == 0 ? nil : "no network namespace can be made"
  }()

  private static let (inside, outside, peer) = ("10.0.0.20", "198.51.100.1", "198.51.100.10")

  static let sdp =
    "v=0\r\no=- 1 1 IN IP4 10.0.0.20\r\ns=-\r\nc=IN IP4 10.0.0.20\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

  static let invite =
    "INVITE sip:demo@198.51.100.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.20:5060;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n"
    + "From: <sip:acme@10.0.0.20>;tag=a\r\nTo: <sip:demo@198.51.100.10>\r\nCall-ID: 77@10.0.0.20\r\nCSeq: 1 INVITE\r\n"
    + "Contact: <sip:acme@10.0.0.20:5060>\r\nContent-Type: application/sdp\r\nContent-Length: \(sdp.utf8.count)\r\n\r\n\(sdp)"

  static func ok(_ port: UInt16) -> String {
    let body = "v=0\r\no=- 1 1 IN IP4 198.51.100.10\r\ns=-\r\nc=IN IP4 198.51.100.10\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n"
    return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP \(outside):\(port);branch=z9hG4bK1;received=\(outside);rport=\(port)\r\n"
      + "From: <sip:acme@\(outside):\(port)>;tag=a\r\nTo: <sip:demo@198.51.100.10>;tag=b\r\nCall-ID: 77@10.0.0.20\r\nCSeq: 1 INVITE\r\n"
      + "Contact: <sip:198.51.100.10:5060>\r\nContent-Type: application/sdp\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  static func bye(_ port: UInt16) -> String {
    "BYE sip:acme@\(outside):\(port) SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bK2;rport\r\nMax-Forwards: 70\r\n"
      + "From: <sip:demo@198.51.100.10>;tag=b\r\nTo: <sip:acme@\(outside):\(port)>;tag=a\r\nCall-ID: 77@10.0.0.20\r\nCSeq: 1 BYE\r\n"
      + "Content-Length: 0\r\n\r\n"
  }

  /// What our gateway makes of a message.
  static func ours(_ text: String, isOutbound: Bool, port: UInt16) -> String? {
    guard let own = IPAddress(inside), let `public` = IPAddress(outside) else { return nil }
    let (near, far) = (TransportAddress(own, port: 5060), TransportAddress(`public`, port: port))
    let replacement = isOutbound ? SIPALG.Replacement(near, far) : SIPALG.Replacement(far, near)
    return SIPALG().rewrite(Bytes(text), isOutbound: isOutbound, replacement) { $0.port }?.bytes.text ?? text
  }

  // MARK: - Talks

  static func talk(gateway: Bool) throws -> Talk {
    let folder = try makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let helper = gateway ? "chain pre { type filter hook prerouting priority 0; udp dport 5060 ct helper set \"sip5060\"; }" : ""
    let rules = """
      table ip nat {
        ct helper sip5060 { type "sip" protocol udp; l3proto ip; }
        \(helper)
        chain post { type nat hook postrouting priority 100; oifname "klv1" ip protocol udp snat to \(outside):6000-6100; }
      }
      """
    try rules.write(toFile: "\(folder)/rules", atomically: true, encoding: .utf8)
    let setUp = """
      set -e
      for n in klA klR klB; do ip netns add $n; ip -n $n link set lo up; done
      ip link add kla netns klA type veth peer name klv0 netns klR
      ip link add klb netns klB type veth peer name klv1 netns klR
      ip -n klA addr add \(inside)/24 dev kla; ip -n klA link set kla up
      ip -n klR addr add 10.0.0.1/24 dev klv0; ip -n klR link set klv0 up
      ip -n klB addr add \(peer)/24 dev klb; ip -n klB link set klb up
      ip -n klR addr add \(outside)/24 dev klv1; ip -n klR link set klv1 up
      ip -n klA route add default via 10.0.0.1
      ip netns exec klR sysctl -qw net.ipv4.ip_forward=1
      ip netns exec klR nft -f \(folder)/rules
      """
    return try run(folder, setUp, spaces: "klA klR klB")
  }

  static func talkThroughRelay() throws -> Talk {
    let folder = try makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let network = """
      cast:
        klA: { wire: raw, address: \(inside) }
        klB: { wire: raw, address: \(peer) }
      network:
        - { nat: home, inside: [klA], outside: \(outside), alg: well }
        - { between: [klA, klB], delay: 3 ms }
      """
    try network.write(toFile: "\(folder)/nat.yaml", atomically: true, encoding: .utf8)
    let setUp = """
      set -e
      for n in klA klB; do ip netns add $n; ip -n $n link set lo up; done
      \(Place.lab) relay --between klA --and klB --network \(folder)/nat.yaml --out \(folder)/out --for '20 s' 2> \(folder)/relay &
      for i in $(seq 100); do grep -q ready \(folder)/relay && break; sleep 0.05; done
      """
    return try run(folder, setUp, spaces: "klA klB")
  }

  private static func makeFolder() throws -> String {
    let folder = NSTemporaryDirectory() + "kernel-nat-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  /// B waits for the INVITE, answers it and sends BYE; A sends the INVITE and waits for both.
  private static func run(_ folder: String, _ setUp: String, spaces: String) throws -> Talk {
    try invite.write(toFile: "\(folder)/invite", atomically: true, encoding: .utf8)
    try ok(0).write(toFile: "\(folder)/ok", atomically: true, encoding: .utf8)
    try bye(0).write(toFile: "\(folder)/bye", atomically: true, encoding: .utf8)
    try talker.write(toFile: "\(folder)/talk.py", atomically: true, encoding: .utf8)
    let script = """
      trap 'rc=$?; set +e; kill $(jobs -p) 2> /dev/null; for n in \(spaces); do ip netns del $n 2> /dev/null; done; exit $rc' EXIT
      \(setUp)
      ip netns exec klB python3 \(folder)/talk.py b \(folder) &
      waiter=$!
      for i in $(seq 100); do test -e \(folder)/b.ready && break; sleep 0.05; done
      ip netns exec klA python3 \(folder)/talk.py a \(folder)
      wait $waiter
      """
    let done = shell(script)
    guard done.status == 0 else { throw Failure(text: done.output) }
    func read(_ name: String) -> String? { try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
    return Talk(invite: read("b.got"), outsidePort: read("b.port").flatMap { UInt16($0) }, ok: read("a.got1"), bye: read("a.got2"))
  }

  struct Failure: Error { var text: String }

  private static let talker = """
    import socket, sys
    role, folder = sys.argv[1], sys.argv[2]
    def read(name): return open(folder + "/" + name, newline="").read()
    def write(name, data): open(folder + "/" + name, "wb").write(data)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    if role == "a":
        s.bind(("\(inside)", 5060))
        s.sendto(read("invite").encode(), ("\(peer)", 5060))
        for name in ["a.got1", "a.got2"]: write(name, s.recvfrom(9000)[0])
    else:
        s.bind(("\(peer)", 5060))
        write("b.ready", b"")
        data, source = s.recvfrom(9000)
        write("b.got", data)
        write("b.port", str(source[1]).encode())
        for name in ["ok", "bye"]:
            text = read(name).replace("\(outside):0", "\(outside):%d" % source[1]).replace("rport=0", "rport=%d" % source[1])
            s.sendto(text.encode(), source)
    """

  private static func find(_ tool: String) -> String? {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(tool)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func shell(_ script: String) -> (status: Int32, output: String) {
    let process = Process()
    // The tests' process may block signals, which its children inherit: then nothing that the script starts could be ended.
    let launch = "import os,signal,sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv('/bin/bash', ['bash', '-c', sys.argv[1]])"
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", launch, script]
    let pipe = Pipe()
    (process.standardOutput, process.standardError) = (pipe, pipe)
    do { try process.run() } catch { return (-1, "\(error)") }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
