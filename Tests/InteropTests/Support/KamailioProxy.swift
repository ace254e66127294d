import Foundation
import Glibc
import Testing

/// Where kamailio is: installed, or its two Debian packages (kamailio, kamailio-tls-modules) unpacked with `dpkg -x`.
enum KamailioRoot {
  private static var folders: [String] {
    let environment = ProcessInfo.processInfo.environment
    return [
      environment["LAB_KAMAILIO_ROOT"] ?? "\(environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")/kallglot-lab/kamailio", "",
    ]
  }

  static let found: (program: String, modules: String)? = {
    for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/usr/sbin/kamailio") {
      let libraries = "\(folder)/usr/lib"
      let places = (try? FileManager.default.contentsOfDirectory(atPath: libraries))?.sorted() ?? []
      let modules = places.map { "\(libraries)/\($0)/kamailio/modules" }.first { FileManager.default.fileExists(atPath: "\($0)/tls.so") }
      if let modules { return ("\(folder)/usr/sbin/kamailio", modules) }
    }
    return nil
  }()

  static func version() async -> String? {
    guard let found else { return nil }
    return (try? await program(found.program, ["-v"]))?.output.split(separator: "\n").first.map(String.init)
  }
}

/// A real kamailio that takes calls over TLS and passes them on over TCP, with a Record-Route for each side.
struct KamailioProxy {
  let program: Companion

  /// - Parameters:
  ///   - next: where calls go over TCP.
  ///   - certificates: the folder that `certs` has filled.
  static func start(_ scene: Scene, next: String, certificates: String) async throws -> KamailioProxy {
    let root = try #require(KamailioRoot.found, Peer.kamailio.reason)
    let modules = ["tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "xlog", "tls"].map { "loadmodule \"\($0).so\"\n" }.joined()
    let text = """
      debug=2
      log_stderror=yes
      children=1
      tcp_children=2
      enable_tls=yes
      auto_aliases=no
      listen=tls:\(scene.them):5061
      listen=tcp:\(scene.them):5060
      mpath="\(root.modules)/"
      \(modules)
      modparam("rr", "enable_double_rr", 1)
      modparam("tls", "certificate", "\(certificates)/pbx.pem")
      modparam("tls", "private_key", "\(certificates)/pbx-key.pem")
      modparam("tls", "ca_list", "\(certificates)/authority.pem")
      modparam("tls", "verify_certificate", 1)
      modparam("tls", "tls_method", "TLSv1.2+")
      event_route[core:worker-one-init] { xlog("L_WARN", "kamailio is ready\n"); }
      request_route {
        xlog("L_WARN", "$rm over $proto from $si\\n");
        if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
        if (has_totag()) {
          if (loose_route() || is_method("ACK")) { t_relay(); exit; }
          sl_send_reply("404", "No Route");
          exit;
        }
        record_route();
        $du = "sip:\(next):5060;transport=tcp";
        t_relay();
      }

      """
    let path = try scene.write(text, to: "kamailio.cfg")
    let run = "\(scene.folder)/kamailio-run"
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    let arguments = ["-DD", "-E", "-f", path, "-Y", run, "-m", "16", "-M", "4"]
    let program = try await scene.start("kamailio", root.program, arguments, endedBy: SIGTERM)
    _ = try await program.line("kamailio is ready")
    return KamailioProxy(program: program)
  }
}
