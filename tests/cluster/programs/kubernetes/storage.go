package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const provisionerName = "harmony.dev/local-storage"

// Every volume is a folder on the one node.
type localStorage struct {
	folder string
	node   string
}

func (storage *localStorage) Provision(_ context.Context, options controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(storage.folder, options.PVName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// Any user of a pod may write, whatever the process that made the folder masks.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			MountOptions:                  options.StorageClass.MountOptions,
			Capacity:                      core.ResourceList{core.ResourceStorage: options.PVC.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeSource:        core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{storage.node}}},
			}}}},
		},
	}, controller.ProvisioningFinished, nil
}

func (storage *localStorage) Delete(_ context.Context, volume *core.PersistentVolume) error {
	source := volume.Spec.Local
	if source == nil || filepath.Dir(source.Path) != filepath.Clean(storage.folder) {
		return fmt.Errorf("volume %s lies outside %s", volume.Name, storage.folder)
	}
	return os.RemoveAll(source.Path)
}

func newLocalStorageCommand() *cobra.Command {
	var kubeconfig string
	storage := &localStorage{}
	command := &cobra.Command{
		Use:          "local-storage",
		Short:        "Makes the volumes of claims, as folders on this machine",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			context := command.Context()
			controller.NewProvisionController(context, client, provisionerName, storage, controller.LeaderElection(false)).Run(context)
			return nil
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the cluster")
	command.Flags().StringVar(&storage.folder, "folder", "", "where the volumes are made")
	command.Flags().StringVar(&storage.node, "node", "", "the node that they belong to")
	return command
}
