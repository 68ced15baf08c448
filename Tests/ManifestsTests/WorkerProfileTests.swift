import Foundation
import Manifests
import TestSupport
import Testing

@Suite("A worker profile") struct WorkerProfileTests {
    @Test("the ready one for one machine writes the defaults out")
    func local() throws {
        #expect(try WorkerProfile(contentsOfFile: Project.root + "/workers/local.yaml") == WorkerProfile())
    }

    @Test("refuses what it does not know, with line, key and what is allowed")
    func faults() {
        for (yaml, part) in [
            ("device: gpu", "line 1: device: want auto, cpu or cuda:N"), ("device: cuda:-1", "cuda:N"),
            ("connections: 0", "connections: want 1 to"), ("dns_servers: 5", "dns_servers: want text"),
            ("proxy: proxy:3128", "proxy: want http://"), ("proxy: http://user:pass@proxy", "proxy: want http://"),
            ("\nconections: 3", "line 2: conections: did you mean connections?"),
        ] {
            let error = #expect(throws: ManifestError.self) { try WorkerProfile(yaml: yaml) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }
}
